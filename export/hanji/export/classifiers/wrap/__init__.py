"""Bundles around existing .tflite and .onnx image classifiers."""
