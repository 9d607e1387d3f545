"""Checks of model files from elsewhere, made before a library deserializes them: names only, no code."""
