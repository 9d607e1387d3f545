"""Compression of picture classifiers: distillation, smaller networks, fewer weights and fewer bits."""
