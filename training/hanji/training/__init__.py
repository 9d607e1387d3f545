"""Data, models, training loops and metrics: everything up to a trained Keras model."""
