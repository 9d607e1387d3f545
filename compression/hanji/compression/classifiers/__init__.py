"""Compression of image classifiers: distillation, channel pruning, sparsity, clustering, quantization."""
