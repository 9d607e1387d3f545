"""Pruning of image classifiers: structured (whole channels) or unstructured (single weights)."""
