"""Post-training quantization of ``.onnx`` and ``.tflite`` files, without a Keras network."""
