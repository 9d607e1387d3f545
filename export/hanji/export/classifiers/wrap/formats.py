"""A wrapped file in the formats that were asked for: its own, and TFLite beside ONNX by a converter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hanji.compression.classifiers.conversion.environment import converter_version
from hanji.compression.classifiers.conversion.formats import made_or_left_out
from hanji.compression.classifiers.files.measures import measure_of
from hanji.compression.classifiers.files.reference import Images, NativeClassifier, expected_values
from hanji.export.bundle.artifact import MODEL_FILES
from hanji.export.bundle.operators import expect_known_operators
from hanji.export.classifiers.wrap.bundled_file import BundledFile, bundled_file
from hanji.export.classifiers.wrap.parity import Run, rewritten_parity
from hanji.training.errors import ConversionError, RecipeError

TOOLS = {"onnx2tf": converter_version()}
CONVERTED = f"converted from ONNX by onnx2tf {TOOLS['onnx2tf']}"


@dataclass(frozen=True)
class WrappedFiles:
    """The files of one model; ``left_out`` are the formats that were asked for and could not be made."""

    files: tuple[BundledFile, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    """The versions of tools beside hanji's own that made them."""


def wrapped_files(classifier: NativeClassifier, images: Images, formats: tuple[str, ...]) -> WrappedFiles:
    """The file in its own format and, if ``formats`` contains it, converted to TFLite.

    The converted file has to give the original's answers for ``images``, uint8 [n, h, w, c] in RGB. If it
    does not, or cannot be made, it is left out with the reason; where nothing else is asked for, that is a
    ConversionError. Raises also the errors of ``bundled_file`` and ConverterMissingError.
    """
    if classifier.model.format == "tflite" or "tflite" not in formats:
        return WrappedFiles((bundled_file(classifier, images),))
    if formats == ("tflite",):
        return WrappedFiles((_converted(classifier, images),), tools=TOOLS)
    file = bundled_file(classifier, images)
    converted, left_out = made_or_left_out(lambda: _converted(classifier, images))
    return WrappedFiles((file, *converted), left_out, TOOLS if converted else {})


def _converted(classifier: NativeClassifier, images: Images) -> BundledFile:
    """The ``.onnx`` file as TFLite, with the original's answers."""
    from hanji.compression.classifiers.conversion.onnx_to_tflite import WRONG, converted_classifier

    model = classifier.model
    converted = converted_classifier(classifier)
    expect_known_operators("tflite", {MODEL_FILES["tflite"]: converted.model.content}, str(model.path))
    try:
        file = bundled_file(converted, images)
    except (ConversionError, RecipeError) as error:
        raise ConversionError(f"onnx2tf's TFLite file: {error}") from error
    settings = classifier.settings
    expected = expected_values(classifier.answers(images), settings)
    measure = measure_of(settings.outputs_of(file.classes, str(model.path)))
    run = Run(model.stored()[0], file.engine, WRONG)
    parity = rewritten_parity(model.path, expected, file.outputs, measure, run)
    return replace(file, artifact=replace(file.artifact, parity=parity), notes=(CONVERTED, *file.notes))


__all__ = ["CONVERTED", "TOOLS", "WrappedFiles", "wrapped_files"]
