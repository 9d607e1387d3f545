"""Wraps an existing ``.tflite`` or ``.onnx`` file as a bundle, without conversion.

Nothing is trained or converted. Metadata is read from the file where possible, otherwise from
``preprocessing.toml``. The model is then run through the runtime's pre- and postprocessing, and its outputs
are stored in golden.json.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.export.bundle.artifact import MODEL_FILES, file_entry
from hanji.export.bundle.engines import open_engine
from hanji.export.bundle.files import BundleSummary, manifest_files, write_files
from hanji.export.bundle.json_files import json_bytes
from hanji.export.bundle.manifest import artifact_table, training_data_table, versions_of
from hanji.export.bundle.queries import Outputs
from hanji.export.classifiers.formats.names import CLASSIFY
from hanji.export.classifiers.golden import golden_count, image_golden_table, image_replay_tolerance
from hanji.export.classifiers.manifest import CARD, GOLDEN, LABELS, input_and_output, labels_table
from hanji.export.classifiers.wrap.card import wrapped_card
from hanji.export.classifiers.wrap.labels import ClassNames
from hanji.export.classifiers.wrap.model_file import ModelFile
from hanji.export.classifiers.wrap.settings import WrapSettings
from hanji.runtime.errors import EngineError
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.manifest import (
    CLASSIFICATION,
    Artifact,
    FileEntry,
    ImageData,
    ImageInput,
    Parity,
    Signature,
)
from hanji.runtime.manifest.reader import SCHEMA_VERSION
from hanji.training.classifiers.data import load_unlabelled
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.files import atomic_directory
from hanji.training.quiet import import_tensorflow

Images = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
UNCHECKED = "a wrapped model has no reference model to compare with"
IMAGES = 32
"""The number of images that the model is run on."""


def wrap_model(
    path: Path,
    out: Path,
    *,
    labels: ClassNames,
    settings: WrapSettings,
    samples: Path | None = None,
    name: str = "",
    replace: bool = False,
) -> BundleSummary:
    """Write the model in ``path`` as a bundle, the directory ``out``.

    ``samples`` is a folder of images for golden.json; without it, images are generated from a fixed seed.
    Raises ConversionError for a file that is not an image classifier or that its engine rejects, RecipeError
    if the labels or settings do not match it, EngineError for a missing engine, HanjiError if ``out`` exists
    (unless ``replace``). Nothing is left behind on an error.
    """
    import_tensorflow()
    from hanji.export.classifiers.wrap.read_model_file import read_model_file

    model = read_model_file(path)
    image_input = settings.image_for(model.input, model.size, str(path))
    model = dataclasses.replace(
        model, input=dataclasses.replace(model.input, shape=(model.input.shape[0], *image_input.shape))
    )
    _check_classes(model, labels, path)
    artifact = _artifact(model)
    images = _sample_images(image_input, samples)
    raw_outputs = _raw_outputs(model, artifact, image_input, images)
    rule = settings.probabilities_for(raw_outputs, path)
    outputs = Outputs("", tuple(probabilities_of(row, rule) for row in raw_outputs))
    count = golden_count(images)
    golden = image_golden_table(
        image_input, images[:count], {model.format: (outputs, _tolerance(model, outputs))}
    )
    data = {
        LABELS: json_bytes(labels_table(labels.labels, labels.names)),
        GOLDEN: json_bytes(golden),
        CARD: wrapped_card(name or path.stem, model, labels, image_input, rule, settings.licence).encode(),
    }
    entries = [file_entry(file, content) for file, content in data.items()]
    about = {
        "name": name or path.stem,
        **input_and_output(image_input, len(labels.labels), rule),
        **_unknown(name or path.stem, model, len(labels.labels), settings.licence),
    }
    manifest = manifest_files(_manifest(about, artifact, entries))
    with atomic_directory(out, replace=replace) as staging:
        write_files(staging, {MODEL_FILES[model.format]: model.content, **data, **manifest})
    return BundleSummary(out, (artifact,))


def expect_edge_tpu_model(path: Path) -> None:
    """ConversionError for a file that an Edge TPU cannot run."""
    import_tensorflow()
    from hanji.export.classifiers.wrap.read_model_file import read_model_file
    from hanji.export.formats.edge_tpu import expect_edge_tpu

    model = read_model_file(path)
    if model.format != "tflite":
        raise ConversionError(f"{model.path}: expected a .tflite file for the Edge TPU, found {model.format}")
    expect_edge_tpu(model.content, str(model.path))


def _check_classes(model: ModelFile, labels: ClassNames, path: Path) -> None:
    if len(labels.labels) != model.classes:
        raise RecipeError(
            f"{labels.source}: expected {model.classes} labels, one for each output of {path}, found "
            f"{len(labels.labels)}; list one label per line, in the order of the outputs"
        )


def _artifact(model: ModelFile) -> Artifact:
    path = MODEL_FILES[model.format]
    signature = Signature(path, (model.input,), (model.output,))
    return Artifact(
        format=model.format,
        precision=model.precision,
        files=(file_entry(path, model.content),),
        engines=model.engines,
        signatures={CLASSIFY: signature},
        parity=Parity(checked=False, reason=UNCHECKED),
    )


def _sample_images(image_input: ImageInput, directory: Path | None) -> Images:
    """The images in a folder, or random colour patches, which produce more varied outputs than pure noise."""
    if directory is not None:
        return load_unlabelled(directory, image_input, IMAGES).images
    rng = np.random.default_rng(0)
    rows, columns = (np.arange(side) * 4 // side for side in (image_input.height, image_input.width))
    patches = rng.integers(0, 256, (IMAGES, 4, 4, image_input.channels))
    noise = rng.integers(-24, 25, (IMAGES, *image_input.shape))
    return (patches[:, rows][:, :, columns] + noise).clip(0, 255).astype(np.uint8)


def _raw_outputs(model: ModelFile, artifact: Artifact, image_input: ImageInput, images: Images) -> Values:
    """The dequantized outputs of the model for each image in its engine, float32 [n, classes].

    Raises ConversionError for values that are not finite, and if the engine rejects the model.
    """
    tensor = ImageTensor(image_input, model.input)
    try:
        engine, _ = open_engine(artifact, {MODEL_FILES[model.format]: model.content})
        found = [engine.run(CLASSIFY, {model.input.name: tensor.of(image[None])}) for image in images]
    except EngineError as error:
        raise ConversionError(
            f"{model.path}: expected a model that {artifact.engines[0].name} runs, but it failed: {error}"
        ) from error
    outputs = np.stack([dequantized(output.ravel(), model.output) for output in found])
    if outputs.shape[1] != model.classes or not np.isfinite(outputs).all():
        raise ConversionError(
            f"{model.path}: expected {model.classes} finite values per image, found NaN, infinity or another "
            "number of values"
        )
    return outputs


def _tolerance(model: ModelFile, outputs: Outputs) -> float:
    """The tolerance of exported models, scaled by the magnitude of the outputs."""
    size = max(1.0, float(np.abs(np.stack(outputs.scores)).max()))
    return float(f"{image_replay_tolerance(model.precision) * size:.3g}")


def _unknown(name: str, model: ModelFile, classes: int, licence: str) -> dict[str, Any]:
    """Placeholder manifest sections for information that is unavailable for a wrapped model."""
    data = ImageData(
        name=name, format="unknown", synthetic=False, licence=licence, pictures=0, classes=classes, config={}
    )
    recipe = ImageRecipe("wrapped", ())
    return {
        "model": {"type": "wrapped", "parameters": model.parameters, "full_parameters": model.parameters},
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": []},
        "metrics": {"protocol": "not measured", "full": {}, "compressed": {}},
        "training_data": training_data_table(data),
    }


def _manifest(about: Mapping[str, Any], artifact: Artifact, files: Sequence[FileEntry]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "task": CLASSIFICATION,
        **about,
        "artifacts": [artifact_table(artifact)],
        "files": [asdict(file) for file in files],
        "golden": GOLDEN,
        "seed": 0,
        "versions": versions_of([artifact]),
    }


__all__ = ["IMAGES", "UNCHECKED", "expect_edge_tpu_model", "wrap_model"]
