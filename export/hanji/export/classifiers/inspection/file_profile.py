"""Parameters and multiply-accumulates of an ``.onnx`` or ``.tflite`` file."""

from __future__ import annotations

from pathlib import Path

from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.export.classifiers.inspection.onnx_profile import onnx_profile
from hanji.export.classifiers.inspection.tflite_profile import tflite_profile
from hanji.training.classifiers.profile_result import Profile


def file_profile(path: Path, shape: tuple[int, int, int] | None = None) -> Profile:
    """The profile of the file in ``path`` for an image of ``shape``: height, width, channels.

    Without it, sizes are the declared ones. ConversionError for a file that is damaged or that its engine
    rejects, ValueError if a size that is needed remains unknown.
    """
    model = read_model_file(path)
    if isinstance(model, OnnxFile):
        return onnx_profile(model, None if shape is None else _in_order(shape, model.inputs[0].shape))
    if isinstance(model, TfliteFile):
        return tflite_profile(model, shape)
    raise AssertionError(type(model))


def _in_order(shape: tuple[int, int, int], declared: tuple[int | None, ...]) -> tuple[int, ...]:
    """The sizes in the order of the declared input, whose channels may come first."""
    height, width, channels = shape
    first = len(declared) == 4 and declared[1] in (1, 3) and declared[3] not in (1, 3)
    return (channels, height, width) if first else shape


__all__ = ["file_profile"]
