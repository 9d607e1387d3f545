"""Keras models that tell what a picture shows: MobileNet V1 and V2, ShuffleNet and a plain CNN."""
