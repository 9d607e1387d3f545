"""Which formats a model file can be asked for: its own, and TFLite for an ``.onnx`` file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hanji.compression.classifiers.conversion.environment import SETUP, has_converter
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.progress import logger

FORMATS = ("tflite", "onnx")
Made = TypeVar("Made")


def one_format_text() -> str:
    """That the result of an .onnx file has one format, and how it gets both."""
    remedy = "" if has_converter() else f"run `{SETUP}` once, then "
    return f"It has one format, ONNX; for a TFLite file as well, {remedy}give --formats onnx,tflite"


def formats_of(model: OriginalModel, asked: Sequence[str] | None) -> tuple[str, ...]:
    """The formats asked for; None: that of the file. RecipeError for one that cannot be made of it."""
    formats = (model.format,) if asked is None else tuple(asked)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise RecipeError(
            f"--formats: expected some of {', '.join(FORMATS)}, found {', '.join(unknown) or 'none'}"
        )
    if model.format == "tflite" and "onnx" in formats:
        raise RecipeError(
            f"{model.path}: --formats: there is no converter from TFLite to ONNX; give the .onnx file that "
            "the .tflite file was made from with --formats onnx,tflite, or leave --formats out"
        )
    return formats


def made_or_left_out(make: Callable[[], Made]) -> tuple[tuple[Made, ...], dict[str, str]]:
    """The TFLite file that ``make`` gives, or else {"tflite": its ConversionError}, with a warning."""
    try:
        return (make(),), {}
    except ConversionError as error:
        logger.warning(f"tflite is LEFT OUT: {error}")
        return (), {"tflite": str(error)}


__all__ = ["FORMATS", "formats_of", "made_or_left_out", "one_format_text"]
