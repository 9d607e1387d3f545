"""From a compressed Keras model to a bundle with TFLite, ONNX and TF.js, each checked in its engine."""
