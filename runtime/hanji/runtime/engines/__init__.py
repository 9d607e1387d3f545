"""Inference engines: selection of an engine for a bundle, and one module per engine."""
