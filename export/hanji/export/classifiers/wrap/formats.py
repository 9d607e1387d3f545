"""A wrapped file in the formats that were asked for: its own, and TFLite beside ONNX by a converter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hanji.compression.classifiers.conversion.environment import SETUP, converter_version
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.reference import Images, NativeClassifier, expected_values
from hanji.export.bundle.artifact import MODEL_FILES
from hanji.export.bundle.files import check_options
from hanji.export.bundle.operators import expect_known_operators
from hanji.export.classifiers.wrap.bundled_file import BundledFile, bundled_file
from hanji.export.classifiers.wrap.parity import rewritten_parity
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.progress import logger

BOTH = f"run `{SETUP}` once, then give --formats onnx,tflite"
"""How a bundle of an .onnx file gets both formats."""


@dataclass(frozen=True)
class WrappedFiles:
    """The files of one model; ``left_out`` are the formats that were asked for and could not be made."""

    files: tuple[BundledFile, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    """The versions of tools beside hanji's own that made them."""


def wrapped_files(classifier: NativeClassifier, images: Images, formats: Sequence[str]) -> WrappedFiles:
    """The file in its own format and, if ``formats`` contains it, converted to TFLite.

    The converted file has to give the original's answers for ``images``, uint8 [n, h, w, c] in RGB. If it
    does not, or cannot be made, it is left out with the reason; where nothing else is asked for, that is a
    ConversionError. Raises also the errors of ``bundled_file`` and ConverterMissingError.
    """
    own = classifier.model.format
    files = [bundled_file(classifier, images)] if own in formats else []
    left_out: dict[str, str] = {}
    for other in (name for name in formats if name != own):
        try:
            files.append(_converted(classifier, images))
        except ConversionError as error:
            if not files:
                raise
            left_out[other] = str(error)
            logger.warning(f"{other} is LEFT OUT of the bundle: {error}")
    converted = any(file.artifact.format != own for file in files)
    return WrappedFiles(tuple(files), left_out, {"onnx2tf": converter_version()} if converted else {})


def formats_of(model: OriginalModel, asked: Sequence[str] | None) -> tuple[str, ...]:
    """The formats of a bundle; None: that of the file. RecipeError for one that cannot be made of it."""
    formats = tuple(asked) if asked is not None else (model.format,)
    check_options("formats", formats, tuple(MODEL_FILES))
    if model.format == "tflite" and "onnx" in formats:
        raise RecipeError(
            f"{model.path}: --formats: a .tflite file is bundled as TFLite only; bundle the .onnx file that "
            "it was made from with --formats onnx,tflite, or leave --formats out"
        )
    return formats


def _converted(classifier: NativeClassifier, images: Images) -> BundledFile:
    """The ``.onnx`` file as TFLite, with the original's answers."""
    from hanji.compression.classifiers.conversion.onnx_to_tflite import converted_classifier

    model = classifier.model
    converted = converted_classifier(classifier)
    expect_known_operators("tflite", {MODEL_FILES["tflite"]: converted.model.content}, str(model.path))
    try:
        file = bundled_file(converted, images)
    except (ConversionError, RecipeError) as error:
        raise ConversionError(f"onnx2tf's TFLite file: {error}") from error
    expected = expected_values(classifier.answers(images), of_logit=classifier.settings.gives == "logits")
    precision, _ = model.stored()
    remedy = "onnx2tf converts this network wrongly: leave tflite out of --formats"
    parity = rewritten_parity(model.path, expected, file.outputs, precision, file.engine, remedy)
    notes = (f"converted from ONNX by onnx2tf {converter_version()}", *file.notes)
    return replace(file, artifact=replace(file.artifact, parity=parity), notes=notes)


__all__ = ["BOTH", "WrappedFiles", "formats_of", "wrapped_files"]
