"""An ONNX file as TFLite, by a converter in an environment of its own."""
