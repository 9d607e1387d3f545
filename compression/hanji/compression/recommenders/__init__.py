"""Compression of recommenders: distillation, low rank, pruning and quantization."""
