"""From any image to the bytes that a model takes, and from its output to probabilities."""
