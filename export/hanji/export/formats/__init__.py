"""Task-independent conversion and editing of TFLite, ONNX and TF.js graphs."""
