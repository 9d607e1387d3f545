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

from hanji.compression.classifiers.files.compressed_file import CompressedFile
from hanji.compression.classifiers.files.file_names import SUFFIXES
from hanji.compression.classifiers.files.keras_file import KerasFile, keras_as_file
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.meaning import Answers
from hanji.compression.classifiers.files.measures import Measure, measure_of
from hanji.compression.classifiers.files.onnx_quantizer import OnnxQuantizer
from hanji.compression.classifiers.files.original import OriginalModel, is_quantized, real_values
from hanji.compression.classifiers.files.quantizer import FileQuantizer, FileScheme
from hanji.compression.classifiers.files.read_model_file import model_file, read_model_file
from hanji.compression.classifiers.files.reference import NativeClassifier, expected_values
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
) -> CompressedFile:
    """Quantize the file in ``path`` by the quantize step of ``recipe``.

    It is an .onnx or .tflite file or, for several labels or values, a Keras file or SavedModel.
    ``data`` is a folder of images: as many as the step says are for calibration, others for the comparison.
    Without ``labels``, its sub-folders name the classes. RecipeError for other steps or schemes, and for
    labels that do not match; DataError for a folder without images; ConversionError for a file that is no
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
    names = labels or ClassNames(str(data), list_folder(data).labels)
    classifier = NativeClassifier(model, names, settings)
    found = load_unlabelled(data, classifier.image_input, step.calibration_images + _COMPARED).images
    calibration, compared = _split(found, step.calibration_images)
    if isinstance(model, KerasFile):
        model.expect_same_outputs(classifier, compared)
    answers = classifier.answers(compared)
    count = settings.names(answers.values.shape[1])
    names.expect_classes(count, path)
    measure = measure_of(settings.outputs_of(count, str(path)))
    runner = _Runner(model, answers.tensor.name, classifier.inputs(compared), settings)
    quantizer = _quantizer(model, classifier.inputs(calibration))
    expected = expected_values(answers, settings)
    if reason := measure.shows_little(expected):
        logger.warning(f"{path.name}: the agreement shows little, as the original file {reason}")
    selection = FileSelection(quantizer, expected, runner.outputs, str(path), measure)
    best = selection.best(scheme, step.float_layers)
    logger.info(_summary(best, measure, len(model.content)))
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
        granularity="channel" if best.choice.per_channel else "tensor",
    )


def _opened(path: Path, settings: WrapSettings) -> OriginalModel:
    return read_model_file(path) if path.suffix.lower() in SUFFIXES else keras_as_file(path, settings)


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
        f"{'channel' if best.choice.per_channel else 'tensor'}"
    )


__all__ = ["compress_model_file"]
