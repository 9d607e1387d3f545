"""Post-training quantization of a ``.onnx`` or ``.tflite`` file as it was given, without a Keras network.

file ──► read ──► layout of its input ──► answers for images of the user (the reference)
                                              │
                  quantized, per channel and per tensor ──► answers ──► the better one, if it agrees
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.conversion.formats import formats_of, made_or_left_out
from hanji.compression.classifiers.files.compressed_file import CompressedFile, ConvertedFile
from hanji.compression.classifiers.files.file_names import SUFFIXES
from hanji.compression.classifiers.files.keras_file import KerasFile, keras_as_file
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.meaning import Answers
from hanji.compression.classifiers.files.measures import Measure, measure_of, worst_difference
from hanji.compression.classifiers.files.normalization import warn_of_range
from hanji.compression.classifiers.files.onnx_quantizer import OnnxQuantizer
from hanji.compression.classifiers.files.original import OriginalModel, is_quantized, real_values
from hanji.compression.classifiers.files.quantizer import FileQuantizer, FileScheme
from hanji.compression.classifiers.files.read_model_file import model_file, read_model_file
from hanji.compression.classifiers.files.reference import NativeClassifier, expected_values, rounding_of
from hanji.compression.classifiers.files.selection import FileSelection, QuantizedFile
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.files.tflite_quantizer import TfliteQuantizer
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.training.classifiers.data import load_unlabelled
from hanji.training.classifiers.data.listing import list_folder
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.progress import logger

_SCHEMES: dict[str, FileScheme] = {
    "int8": "int8",
    "int16x8": "int16x8",
    "dynamic": "dynamic",
    "int8-weights": "int8-weights",
    "float16": "float16",
}
_COMPARED = 200
"""Images beside those for calibration that the files are compared on, if the folder has them."""

_FEWEST = 50
"""The fewest such images; with fewer, the files are compared on the calibration images."""

_KEPT = 64
"""Images that are kept with the compressed file, for the gate of the export."""

Images = npt.NDArray[np.uint8]


def compress_model_file(
    path: Path,
    recipe: ImageRecipe,
    data: Path,
    *,
    settings: WrapSettings,
    labels: ClassNames | None = None,
    formats: Sequence[str] | None = None,
) -> CompressedFile:
    """Quantize the file in ``path`` by the quantize step of ``recipe``.

    It is an .onnx or .tflite file or, for several labels or values, a Keras file or SavedModel.
    ``data`` is a folder of images: as many as the step says are for calibration, others for the comparison.
    Without ``labels``, its sub-folders name the classes. ``formats`` may be ``onnx`` and ``tflite`` for an
    ``.onnx`` file, which is then converted, and quantized in that format as well; None: the file's own.
    RecipeError for other steps, schemes or formats, and for labels that do not match; DataError for a folder
    without images; ConverterMissingError for a missing converter; ConversionError for a file that is no
    float image classifier, that the library cannot quantize, or that answers differently afterwards.
    """
    step, scheme = _step_of(recipe, path)
    if labels is None and not settings.has_one_label:
        raise RecipeError(
            f"{path}: expected the names of its outputs, as the folders of --data name classes that exclude "
            "one another; give --labels FILE with one a line"
        )
    model = _opened(path, settings)
    _expect_float(model)
    both = _both_formats(model, formats)
    names = labels or ClassNames(str(data), list_folder(data).labels)
    classifier = NativeClassifier(model, names, settings)
    warn_of_range(classifier.image_input, path)
    found = load_unlabelled(data, classifier.image_input, step.calibration_images + _COMPARED).images
    calibration, compared = _split(found, step.calibration_images)
    if isinstance(model, KerasFile):
        model.expect_same_outputs(classifier, compared)
    answers = classifier.answers(compared)
    count = settings.names(answers.values.shape[1])
    names.expect_classes(count, path)
    measure = measure_of(settings.outputs_of(count, str(path)))
    expected = expected_values(answers, settings)
    if reason := measure.shows_little(expected):
        logger.warning(f"{path.name}: the agreement shows little, as the original file {reason}")
    comparison = _Comparison(calibration, compared, expected, measure, step, scheme)
    best = comparison.quantized(classifier, answers)
    converted, left_out = made_or_left_out(lambda: comparison.converted(classifier)) if both else ((), {})
    return CompressedFile(
        name=path.stem,
        format=model.format,
        model=best.content,
        original=model.content,
        labels=names,
        settings=settings,
        recipe=recipe,
        images=compared[:_KEPT],
        agreement=best.loss.agreement,
        compared=best.images,
        granularity=best.choice.granularity,
        converted=converted,
        left_out=left_out,
    )


def _opened(path: Path, settings: WrapSettings) -> OriginalModel:
    return read_model_file(path) if path.suffix.lower() in SUFFIXES else keras_as_file(path, settings)


def _both_formats(model: OriginalModel, formats: Sequence[str] | None) -> bool:
    """Whether an ``.onnx`` file is to be converted to TFLite as well; RecipeError for other formats."""
    chosen = formats_of(model, formats)
    if model.format not in chosen:
        raise RecipeError(
            f"{model.path}: --formats: expected {model.format}, that of the file, or onnx,tflite, found "
            f"{','.join(chosen)}"
        )
    return len(set(chosen)) > 1


@dataclass(frozen=True)
class _Comparison:
    """What each format of a model is quantized with: images, and the answers of the original for them."""

    calibration: Images
    compared: Images
    expected: npt.NDArray[np.float64]
    """The original's outputs for ``compared`` [n, classes]."""

    measure: Measure
    step: ImageQuantize
    scheme: FileScheme

    def quantized(self, classifier: NativeClassifier, answers: Answers) -> QuantizedFile:
        """The best quantized version of a float file; ``answers`` are its own for ``compared``."""
        model, settings = classifier.model, classifier.settings
        runner = _Runner(model, answers.tensor.name, classifier.inputs(self.compared), settings)
        quantizer = _quantizer(model, classifier.inputs(self.calibration))
        selection = FileSelection(quantizer, self.expected, runner.outputs, str(model.path), self.measure)
        best = selection.best(self.scheme, self.step.float_layers)
        logger.info(_summary(best, self.measure, len(model.content)))
        return best

    def converted(self, original: NativeClassifier) -> ConvertedFile:
        """The ``.onnx`` file converted to TFLite and quantized; ConversionError if it answers differently."""
        from hanji.compression.classifiers.conversion.onnx_to_tflite import WRONG, converted_classifier

        classifier = converted_classifier(original)
        answers = classifier.answers(self.compared)
        found = expected_values(answers, original.settings)
        tolerances = rounding_of("float32") * self.measure.sizes(self.expected)
        largest, allowed = worst_difference(found, self.expected, tolerances)
        if not largest <= allowed:
            raise ConversionError(
                f"{original.model.path}: expected the same answers from the float TFLite file within "
                f"{allowed:.3g}, found a difference of {largest:.3g}; {WRONG}"
            )
        best = self.quantized(classifier, answers)
        return ConvertedFile("tflite", best.content, best.loss.agreement, best.choice.granularity)


@dataclass(frozen=True)
class _Runner:
    """Runs versions of one model for the same inputs."""

    model: OriginalModel
    output: str
    inputs: list[npt.NDArray[Any]]
    settings: WrapSettings

    def outputs(self, content: bytes) -> npt.NDArray[np.float64]:
        """The real values of all classes that ``content`` gives, float64 [n, classes]."""
        made = model_file(self.model.path, content)
        tensor = next(tensor for tensor in made.outputs if tensor.name == self.output)
        rows = [real_values(made.run(value)[self.output], tensor).ravel() for value in self.inputs]
        return expected_values(Answers(tensor, np.stack(rows)), self.settings)


def _quantizer(model: OriginalModel, calibration: Sequence[npt.NDArray[Any]]) -> FileQuantizer:
    if model.format == "onnx":
        return OnnxQuantizer(model.content, str(model.path), calibration)
    return TfliteQuantizer(model.content, str(model.path), calibration)


def _step_of(recipe: ImageRecipe, path: Path) -> tuple[ImageQuantize, FileScheme]:
    if len(recipe.steps) != 1 or recipe.scheme not in _SCHEMES:
        reason = "networks are trained for one label per image only"
        if path.suffix.lower() in SUFFIXES:
            reason = (
                f"a {path.suffix} file has no layers to train; compress the Keras model or SavedModel that "
                "it was made from"
            )
        raise RecipeError(
            f"{path}: expected a recipe with one quantize step of the scheme {', '.join(_SCHEMES)}, found "
            f"{recipe.name!r}: {reason}, or use the recipe int8"
        )
    return recipe.quantization, _SCHEMES[recipe.scheme]


def _expect_float(model: OriginalModel) -> None:
    precision, _ = model.stored()
    tensors = (*model.inputs, *model.outputs)
    if precision != "float32" or any(is_quantized(tensor) for tensor in tensors):
        raise ConversionError(
            f"{model.path}: expected a float32 file, found one with {precision} weights; quantize the "
            "float32 file that it was made from, or bundle it as it is with `hanji bundle`"
        )


def _split(images: Images, calibration: int) -> tuple[Images, Images]:
    """Images for calibration and for the comparison: others, or the same if there are too few."""
    rows = np.random.default_rng(0).permutation(len(images))
    used = min(calibration, max(len(images) - _COMPARED, len(images) // 2))
    if len(images) - used < _FEWEST:
        logger.warning(
            f"{len(images)} images are too few to calibrate with some and to compare with others: all are "
            "used for both, which flatters the agreement"
        )
        return images, images
    return images[rows[:used]], images[rows[used:]]


def _summary(best: QuantizedFile, measure: Measure, before: int) -> str:
    return (
        f"Compared with the original file on {best.images} images: {measure.name} {best.loss.agreement:.1%}; "
        f"{before:,} → {len(best.content):,} bytes, a scale per "
        f"{best.choice.granularity}"
    )


__all__ = ["compress_model_file"]
