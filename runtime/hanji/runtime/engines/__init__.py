"""Inference engines: which one fits a bundle, and one module for each."""
