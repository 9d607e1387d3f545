"""Pruning of image classifiers: whole channels, or single weights."""
