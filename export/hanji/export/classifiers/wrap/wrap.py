"""Wraps an existing ``.tflite`` or ``.onnx`` file as a bundle.

Nothing is trained, and the file stays in its format; a second format is made only if it is asked for
(``formats``). Metadata is read from the file where possible, otherwise from
``preprocessing.toml``. The original is run as it is (``reference``). Where its ends are not those that the
runtimes expect, operations are put around it (``plan``, ``steps``), and the result is compared with the
original (``bundled_file``, ``parity``). Its outputs are stored in golden.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hanji.compression.classifiers.conversion.formats import formats_of
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.normalization import warn_of_range
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.reference import Images, NativeClassifier
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.export.bundle.artifact import MODEL_FILES, file_entry
from hanji.export.bundle.files import BundleSummary, manifest_files, write_files
from hanji.export.bundle.json_files import json_bytes
from hanji.export.bundle.manifest import artifact_table, training_data_table, versions_of
from hanji.export.bundle.operators import expect_known_operators
from hanji.export.bundle.queries import Outputs
from hanji.export.classifiers.golden import golden_count, image_golden_table, image_replay_tolerance
from hanji.export.classifiers.manifest import CARD, GOLDEN, LABELS, input_and_output, labels_table
from hanji.export.classifiers.wrap.bundled_file import BundledFile
from hanji.export.classifiers.wrap.card import purpose_of, wrapped_card
from hanji.export.classifiers.wrap.formats import WrappedFiles, wrapped_files
from hanji.runtime.images.tensors import probabilities_of
from hanji.runtime.manifest import CLASSIFICATION, Artifact, ImageData, ImageInput
from hanji.training.classifiers.data import load_unlabelled
from hanji.training.errors import ConversionError
from hanji.training.files import atomic_directory
from hanji.training.quiet import import_tensorflow

IMAGES = 32
"""The number of images that the model is run on."""

_HALF_TOLERANCE = 0.01
"""Of a float16 ONNX file: unlike hanji's own, those of other tools compute in float16 where a device can."""


@dataclass(frozen=True)
class WrapOptions:
    """What the bundle of a model file should be."""

    name: str = ""
    """Its name; empty: that of the file."""

    formats: Sequence[str] | None = None
    """``onnx`` or ``tflite``, or both for an ``.onnx`` file: that is then converted to TFLite as well, which
    is left out of the bundle with a reason if its answers would not be those of the file. None: the file's
    own format."""

    edge_tpu: bool = False
    """Whether a file that an Edge TPU cannot run completely is a ConversionError."""


_DEFAULT = WrapOptions()


def wrap_model(
    path: Path,
    out: Path,
    *,
    labels: ClassNames,
    settings: WrapSettings,
    samples: Path | None = None,
    options: WrapOptions = _DEFAULT,
) -> BundleSummary:
    """Write the model in ``path`` as a bundle, the directory ``out``; an existing one is replaced.

    ``samples`` is a folder of images for golden.json; without it, images are generated from a fixed seed.
    Raises ConversionError for a file that is not an image classifier, that has an operator which no bundle
    may contain or that its engine rejects, RecipeError if the labels or settings do not match it, EngineError
    for a missing engine, ConverterMissingError for a missing converter, HanjiError if ``out`` cannot be
    written. Nothing is left behind on an error.
    """
    import_tensorflow()
    from hanji.compression.classifiers.files.read_model_file import read_model_file
    from hanji.export.classifiers.inspection.normalization import warn_of_missing_normalization

    model = read_model_file(path)
    chosen = formats_of(model, options.formats)
    expect_known_operators(model.format, {MODEL_FILES[model.format]: model.content}, str(path))
    if options.edge_tpu:
        _expect_edge_tpu(model, model.content)
    classifier = NativeClassifier(model, labels, settings)
    warn_of_range(classifier.image_input, path)
    warn_of_missing_normalization(classifier)
    images = _sample_images(classifier.image_input, samples)
    wrapped = wrapped_files(classifier, images, chosen)
    if options.edge_tpu:
        _expect_edge_tpu(model, wrapped.files[0].content)
    about = AboutFile(options.name or path.stem, labels, settings, classifier.image_input)
    return write_wrapped(wrapped, about, images, out)


def _expect_edge_tpu(model: OriginalModel, content: bytes) -> None:
    """ConversionError for a file that an Edge TPU cannot run completely."""
    from hanji.export.formats.edge_tpu import expect_edge_tpu

    if model.format != "tflite":
        raise ConversionError(f"{model.path}: expected a .tflite file for the Edge TPU, found {model.format}")
    expect_edge_tpu(content, str(model.path))


def _sample_images(image_input: ImageInput, directory: Path | None) -> Images:
    """The images in a folder, or random colour patches, which produce more varied outputs than pure noise."""
    if directory is not None:
        return load_unlabelled(directory, image_input, IMAGES).images
    rng = np.random.default_rng(0)
    rows, columns = (np.arange(side) * 4 // side for side in (image_input.height, image_input.width))
    images = np.empty((IMAGES, *image_input.shape), np.uint8)
    for image in images:  # one by one, as they may be large
        patches = rng.integers(0, 256, (4, 4, image_input.channels), dtype=np.int16)
        noise = rng.integers(-24, 25, image_input.shape, dtype=np.int16)
        image[...] = (patches[rows][:, columns] + noise).clip(0, 255)
    return images


@dataclass(frozen=True)
class AboutFile:
    """What a bundle says about its file."""

    name: str
    labels: ClassNames
    settings: WrapSettings
    image_input: ImageInput
    recipe: ImageRecipe = field(default_factory=lambda: ImageRecipe("wrapped", ()))
    """How the file was compressed."""


def write_wrapped(wrapped: WrappedFiles, about: AboutFile, images: Images, out: Path) -> BundleSummary:
    """Write the files as a bundle; ``images`` gave their outputs. HanjiError as for ``wrap_model``."""
    data = _own_files(wrapped, about, images)
    manifest = manifest_files(_manifest(wrapped, about, data))
    models = {MODEL_FILES[file.artifact.format]: file.content for file in wrapped.files}
    with atomic_directory(out, replace=True) as staging:
        write_files(staging, {**models, **data, **manifest})
    return BundleSummary(out, tuple(file.artifact for file in wrapped.files), wrapped.left_out)


def _own_files(wrapped: WrappedFiles, about: AboutFile, images: Images) -> dict[str, bytes]:
    """The labels, the golden outputs and the model card, by path."""
    labels, image_input, rule = about.labels, about.image_input, about.settings.probabilities
    output = about.settings.outputs_of(wrapped.files[0].classes, about.name)
    are_values = output is not None and bool(output.units)
    replays = {}
    for file in wrapped.files:
        outputs = Outputs("", tuple(probabilities_of(row, rule) for row in file.outputs))
        replays[file.artifact.format] = (outputs, _tolerance(file.artifact, outputs, are_values))
    shown = images[: golden_count(images)]
    golden = image_golden_table(image_input, shown, replays, are_values=are_values)
    card = wrapped_card(
        about.name, wrapped, image_input, purpose_of(output, labels, rule), about.settings.licence
    )
    return {
        LABELS: json_bytes(labels_table(labels.labels, labels.names)),
        GOLDEN: json_bytes(golden),
        CARD: card.encode(),
    }


def _tolerance(artifact: Artifact, outputs: Outputs, are_values: bool) -> float:
    """The tolerance of exported models, scaled by the magnitude of the outputs unless golden.json has it."""
    tolerance = image_replay_tolerance(artifact.precision)
    if (artifact.format, artifact.precision) == ("onnx", "float16"):
        tolerance = _HALF_TOLERANCE
    size = 1.0 if are_values else max(1.0, float(np.abs(np.stack(outputs.scores)).max()))
    return float(f"{tolerance * size:.3g}")


def _manifest(wrapped: WrappedFiles, about: AboutFile, data: Mapping[str, bytes]) -> dict[str, Any]:
    first, artifacts = wrapped.files[0], [file.artifact for file in wrapped.files]
    return {
        "task": CLASSIFICATION,
        "name": about.name,
        **input_and_output(
            about.image_input,
            first.classes,
            about.settings.probabilities,
            about.settings.outputs_of(first.classes, about.name),
        ),
        **_history(first, about),
        "artifacts": [artifact_table(artifact) for artifact in artifacts],
        "files": [asdict(file_entry(path, content)) for path, content in data.items()],
        "golden": GOLDEN,
        "seed": 0,
        "versions": {**versions_of(artifacts), **wrapped.tools},
    }


def _history(file: BundledFile, about: AboutFile) -> dict[str, Any]:
    """The sections on where a model comes from, which is unknown except for the recipe."""
    data = ImageData(
        name=about.name,
        format="unknown",
        synthetic=False,
        licence=about.settings.licence,
        pictures=0,
        classes=file.classes,
        config={},
    )
    recipe = about.recipe
    return {
        "model": {"type": "wrapped", "parameters": file.parameters, "full_parameters": file.parameters},
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": recipe.tables},
        "metrics": {"protocol": "not measured", "full": {}, "compressed": {}},
        "training_data": training_data_table(data),
    }


__all__ = [
    "IMAGES",
    "AboutFile",
    "ClassNames",
    "WrapOptions",
    "WrapSettings",
    "wrap_model",
    "write_wrapped",
]
