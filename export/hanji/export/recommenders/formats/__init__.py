"""A recommender in TFLite, ONNX and TF.js."""
