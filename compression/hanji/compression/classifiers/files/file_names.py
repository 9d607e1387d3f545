"""Names of files by which commands recognize model files and their compressed versions."""

from __future__ import annotations

SUFFIXES = (".onnx", ".tflite")
"""Of model files that are compressed without a Keras network."""

ABOUT = "compressed-file.json"
"""In a directory that `hanji compress` wrote for such a file."""

__all__ = ["ABOUT", "SUFFIXES"]
