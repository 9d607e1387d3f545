"""Keras image classifiers: MobileNet V1 and V2, ShuffleNet and a plain CNN."""
