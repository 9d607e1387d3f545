"""An image classifier in TFLite, ONNX and TF.js."""
