"""TFLite, ONNX and TF.js files as graphs; nothing here knows a task."""
