"""Image preprocessing for a model's input, and conversion of its outputs to probabilities."""
