"""Quantization of image classifiers: post-training calibration and quantization-aware training."""
