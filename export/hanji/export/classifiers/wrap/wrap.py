"""Wraps an existing ``.tflite`` or ``.onnx`` file as a bundle, without conversion.

Nothing is trained or converted. Metadata is read from the file where possible, otherwise from
``preprocessing.toml``. The original is run as it is (``reference``). Where its ends are not those that the
runtimes expect, operations are put around it (``plan``, ``steps``), and the result is compared with the
original (``bundled_file``, ``parity``). Its outputs are stored in golden.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hanji.compression.classifiers.files.labels import ClassNames
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
from hanji.export.classifiers.wrap.bundled_file import BundledFile, bundled_file
from hanji.export.classifiers.wrap.card import purpose_of, wrapped_card
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


def wrap_model(
    path: Path,
    out: Path,
    *,
    labels: ClassNames,
    settings: WrapSettings,
    samples: Path | None = None,
    name: str = "",
    edge_tpu: bool = False,
) -> BundleSummary:
    """Write the model in ``path`` as a bundle, the directory ``out``; an existing one is replaced.

    ``samples`` is a folder of images for golden.json; without it, images are generated from a fixed seed.
    With ``edge_tpu``, a file that an Edge TPU cannot run completely is a ConversionError.
    Raises ConversionError for a file that is not an image classifier, that has an operator which no bundle
    may contain or that its engine rejects, RecipeError if the labels or settings do not match it, EngineError
    for a missing engine, HanjiError if ``out`` cannot be written. Nothing is left behind on an error.
    """
    import_tensorflow()
    from hanji.compression.classifiers.files.read_model_file import read_model_file

    model = read_model_file(path)
    expect_known_operators(model.format, {MODEL_FILES[model.format]: model.content}, str(path))
    if edge_tpu:
        _expect_edge_tpu(model, model.content)
    classifier = NativeClassifier(model, labels, settings)
    images = _sample_images(classifier.image_input, samples)
    file = bundled_file(classifier, images)
    if edge_tpu:
        _expect_edge_tpu(model, file.content)
    about = AboutFile(name or path.stem, labels, settings, classifier.image_input)
    return write_wrapped(file, about, images, out)


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


def write_wrapped(file: BundledFile, about: AboutFile, images: Images, out: Path) -> BundleSummary:
    """Write ``file`` as a bundle; ``images`` gave its outputs. HanjiError as for ``wrap_model``."""
    data = _own_files(file, about, images)
    manifest = manifest_files(_manifest(file, about, data))
    with atomic_directory(out, replace=True) as staging:
        write_files(staging, {MODEL_FILES[file.artifact.format]: file.content, **data, **manifest})
    return BundleSummary(out, (file.artifact,))


def _own_files(file: BundledFile, about: AboutFile, images: Images) -> dict[str, bytes]:
    """The labels, the golden outputs and the model card, by path."""
    labels, image_input, rule = about.labels, about.image_input, about.settings.probabilities
    output = about.settings.outputs_of(file.classes, about.name)
    outputs = Outputs("", tuple(probabilities_of(row, rule) for row in file.outputs))
    replay = (outputs, _tolerance(file.artifact, outputs, 0.0 if output and output.units else 1.0))
    golden = image_golden_table(image_input, images[: golden_count(images)], {file.artifact.format: replay})
    purpose = purpose_of(output, labels, rule)
    card = wrapped_card(about.name, file, image_input, purpose, about.settings.licence)
    return {
        LABELS: json_bytes(labels_table(labels.labels, labels.names)),
        GOLDEN: json_bytes(golden),
        CARD: card.encode(),
    }


def _tolerance(artifact: Artifact, outputs: Outputs, smallest: float) -> float:
    """The tolerance of exported models, scaled by the magnitude of the outputs, at least ``smallest``."""
    tolerance = image_replay_tolerance(artifact.precision)
    if (artifact.format, artifact.precision) == ("onnx", "float16"):
        tolerance = _HALF_TOLERANCE
    size = max(smallest, float(np.abs(np.stack(outputs.scores)).max()))
    return float(f"{tolerance * size:.3g}")


def _manifest(file: BundledFile, about: AboutFile, data: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "task": CLASSIFICATION,
        "name": about.name,
        **input_and_output(
            about.image_input,
            file.classes,
            about.settings.probabilities,
            about.settings.outputs_of(file.classes, about.name),
        ),
        **_history(file, about),
        "artifacts": [artifact_table(file.artifact)],
        "files": [asdict(file_entry(path, content)) for path, content in data.items()],
        "golden": GOLDEN,
        "seed": 0,
        "versions": versions_of([file.artifact]),
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
    "WrapSettings",
    "wrap_model",
    "write_wrapped",
]
