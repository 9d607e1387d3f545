"""Reads an existing ``.tflite`` or ``.onnx`` file, detecting its format."""

from __future__ import annotations

from pathlib import Path

from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.training.errors import ConversionError
from hanji.training.regular_files import regular_file


def read_model_file(path: Path) -> OriginalModel:
    """The model in ``path``.

    ConversionError for a file that cannot be read, is in neither format or is damaged, or that its engine
    rejects.
    """
    try:
        content = regular_file(path).read_bytes()
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror or error}") from None
    return model_file(path, content)


def model_file(path: Path, content: bytes) -> OriginalModel:
    """The model in ``content``; ``path`` names it in messages, and weights in other files lie beside it.

    ConversionError as for ``read_model_file``.
    """
    if content[4:8] == b"TFL3":
        return TfliteFile(path, content)
    if path.suffix.lower() == ".tflite":
        raise ConversionError(
            f"{path}: expected a TFLite file, with the identifier TFL3 at byte 4, found "
            f"{content[4:8]!r}; check that the file is complete"
        )
    return OnnxFile(path, content)


__all__ = ["model_file", "read_model_file"]
