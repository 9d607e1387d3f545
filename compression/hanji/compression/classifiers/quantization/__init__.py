"""Quantization of image classifiers: calibration, and training with the rounding in the loop."""
