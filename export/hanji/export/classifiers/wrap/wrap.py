"""Wraps an existing ``.tflite`` or ``.onnx`` file as a bundle, without conversion.

Nothing is trained or converted. Metadata is read from the file where possible, otherwise from
``preprocessing.toml``. The original is run as it is (``reference``). Where its ends are not those that the
runtimes expect, operations are put around it (``plan``, ``steps``), and the result is compared with the
original (``bundled_file``, ``parity``). Its outputs are stored in golden.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.export.bundle.artifact import MODEL_FILES, file_entry
from hanji.export.bundle.files import BundleSummary, manifest_files, write_files
from hanji.export.bundle.json_files import json_bytes
from hanji.export.bundle.manifest import artifact_table, training_data_table, versions_of
from hanji.export.bundle.queries import Outputs
from hanji.export.classifiers.golden import golden_count, image_golden_table, image_replay_tolerance
from hanji.export.classifiers.manifest import CARD, GOLDEN, LABELS, input_and_output, labels_table
from hanji.export.classifiers.wrap.bundled_file import BundledFile, bundled_file
from hanji.export.classifiers.wrap.card import wrapped_card
from hanji.export.classifiers.wrap.input_layout import input_layout, takes_levels
from hanji.export.classifiers.wrap.labels import ClassNames
from hanji.export.classifiers.wrap.original import OriginalModel
from hanji.export.classifiers.wrap.reference import Images, NativeInput, reference_answers
from hanji.export.classifiers.wrap.settings import WrapSettings
from hanji.runtime.images.tensors import probabilities_of
from hanji.runtime.manifest import CLASSIFICATION, Artifact, ImageData, ImageInput
from hanji.runtime.manifest.reader import SCHEMA_VERSION
from hanji.training.classifiers.data import load_unlabelled
from hanji.training.errors import ConversionError, RecipeError
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
    Raises ConversionError for a file that is not an image classifier or that its engine rejects, RecipeError
    if the labels or settings do not match it, EngineError for a missing engine, HanjiError if ``out``
    cannot be written. Nothing is left behind on an error.
    """
    import_tensorflow()
    from hanji.export.classifiers.wrap.read_model_file import read_model_file

    model = read_model_file(path)
    if edge_tpu:
        _expect_edge_tpu(model, model.content)
    layout = input_layout(model, settings)
    own = settings.image_for(layout.size, takes_levels=takes_levels(layout.source), where=str(path))
    image_input = settings.in_rgb(own)
    images = _sample_images(image_input, samples)
    native = NativeInput(layout, own, bgr=settings.is_bgr)
    answers = reference_answers(model, native, images, len(labels.labels), settings)
    file = bundled_file(model, layout, answers, image_input, images, settings)
    _check_classes(file.classes, labels, path)
    if edge_tpu:
        _expect_edge_tpu(model, file.content)
    data = _own_files(name or path.stem, file, labels, image_input, images, settings)
    manifest = manifest_files(_manifest(name or path.stem, file, labels, image_input, settings, data))
    with atomic_directory(out, replace=True) as staging:
        write_files(staging, {MODEL_FILES[model.format]: file.content, **data, **manifest})
    return BundleSummary(out, (file.artifact,))


def _expect_edge_tpu(model: OriginalModel, content: bytes) -> None:
    """ConversionError for a file that an Edge TPU cannot run completely."""
    from hanji.export.formats.edge_tpu import expect_edge_tpu

    if model.format != "tflite":
        raise ConversionError(f"{model.path}: expected a .tflite file for the Edge TPU, found {model.format}")
    expect_edge_tpu(content, str(model.path))


def _check_classes(classes: int, labels: ClassNames, path: Path) -> None:
    if (count := len(labels.labels)) != classes:
        remedy = "list one label per line, in the order of the outputs"
        if count == 1 and classes == 2:
            remedy = (
                "the model gives one value for the second of two classes: put the name of the other class, "
                "for which it is near 0, before it"
            )
        raise RecipeError(
            f"{labels.source}: expected {classes} labels, one for each output of {path}, found {count}; "
            f"{remedy}"
        )


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


def _own_files(
    name: str,
    file: BundledFile,
    labels: ClassNames,
    image_input: ImageInput,
    images: Images,
    settings: WrapSettings,
) -> dict[str, bytes]:
    """The labels, the golden outputs and the model card, by path."""
    rule = settings.probabilities
    outputs = Outputs("", tuple(probabilities_of(row, rule) for row in file.outputs))
    replay = (outputs, _tolerance(file.artifact, outputs))
    golden = image_golden_table(image_input, images[: golden_count(images)], {file.artifact.format: replay})
    card = wrapped_card(name, file, labels, image_input, rule, settings.licence)
    return {
        LABELS: json_bytes(labels_table(labels.labels, labels.names)),
        GOLDEN: json_bytes(golden),
        CARD: card.encode(),
    }


def _tolerance(artifact: Artifact, outputs: Outputs) -> float:
    """The tolerance of exported models, scaled by the magnitude of the outputs."""
    tolerance = image_replay_tolerance(artifact.precision)
    if (artifact.format, artifact.precision) == ("onnx", "float16"):
        tolerance = _HALF_TOLERANCE
    size = max(1.0, float(np.abs(np.stack(outputs.scores)).max()))
    return float(f"{tolerance * size:.3g}")


def _manifest(
    name: str,
    file: BundledFile,
    labels: ClassNames,
    image_input: ImageInput,
    settings: WrapSettings,
    data: Mapping[str, bytes],
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "task": CLASSIFICATION,
        "name": name,
        **input_and_output(image_input, file.classes, settings.probabilities),
        **_unknown(name, file, settings.licence),
        "artifacts": [artifact_table(file.artifact)],
        "files": [asdict(file_entry(path, content)) for path, content in data.items()],
        "golden": GOLDEN,
        "seed": 0,
        "versions": versions_of([file.artifact]),
    }


def _unknown(name: str, file: BundledFile, licence: str) -> dict[str, Any]:
    """Placeholder manifest sections for information that is unavailable for a wrapped model."""
    data = ImageData(
        name=name,
        format="unknown",
        synthetic=False,
        licence=licence,
        pictures=0,
        classes=file.classes,
        config={},
    )
    recipe = ImageRecipe("wrapped", ())
    return {
        "model": {"type": "wrapped", "parameters": file.parameters, "full_parameters": file.parameters},
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": []},
        "metrics": {"protocol": "not measured", "full": {}, "compressed": {}},
        "training_data": training_data_table(data),
    }


__all__ = ["IMAGES", "wrap_model"]
