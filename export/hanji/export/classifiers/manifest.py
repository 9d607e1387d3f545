"""manifest.json of a classifier: everything that a device needs to run it, and its provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.signature_names import IMAGE
from hanji.export.bundle.manifest import artifact_table, parameters, training_data_table, versions_of
from hanji.runtime.manifest import (
    CLASSIFICATION,
    Artifact,
    FileEntry,
    ImageInput,
    LabelTable,
    Output,
    Probabilities,
)
from hanji.runtime.manifest.parts import OUTPUT_SCHEMA_VERSION, SCHEMA_VERSION
from hanji.training.classifiers.metrics import PROTOCOL

LABELS, GOLDEN, CARD = "labels.json", "golden.json", "MODEL_CARD.md"
ELSEWHERE = "trained elsewhere"
"""The model type of a network without an ImageModelConfig."""


def classifier_manifest_table(
    compressed: CompressedClassifier,
    artifacts: Sequence[Artifact],
    files: Sequence[FileEntry],
    image_input: ImageInput,
    probabilities: Probabilities,
) -> dict[str, Any]:
    """The content of manifest.json; ``files`` are those that belong to no artifact.

    ``image_input`` and ``probabilities`` describe the input and the output of all artifacts.
    """
    full, recipe = compressed.full, compressed.recipe
    return {
        "name": full.data.name,
        "task": CLASSIFICATION,
        "model": {
            "type": model_type(compressed),
            "parameters": own_parameters(compressed),
            "full_parameters": parameters(full.model),
        },
        "artifacts": [artifact_table(artifact) for artifact in artifacts],
        "files": [asdict(file) for file in files],
        **input_and_output(image_input, len(full.labels), probabilities),
        "golden": GOLDEN,
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": recipe.tables},
        "metrics": {"protocol": PROTOCOL, "full": full.metrics, "compressed": compressed.metrics},
        "training_data": training_data_table(full.data),
        "seed": full.seed,
        "versions": versions_of(artifacts),
    }


def input_and_output(
    image_input: ImageInput, classes: int, probabilities: Probabilities, output: Output | None = None
) -> dict[str, Any]:
    """The manifest sections on image input, classes and model output, and the version that they need."""
    table = {} if output is None else {key: value for key, value in asdict(output).items() if value}
    return {
        "schema_version": SCHEMA_VERSION if output is None else OUTPUT_SCHEMA_VERSION,
        **({"output": table} if table else {}),
        "labels": asdict(LabelTable(LABELS, classes)),
        "picture": asdict(image_input),
        "probabilities": asdict(probabilities),
        "preprocessing": {IMAGE: _preprocessing(image_input)},
    }


def labels_table(labels: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The content of labels.json."""
    table: dict[str, Any] = {"labels": list(labels)}
    if names:
        table["names"] = {language: list(translated) for language, translated in names.items()}
    return table


def model_type(compressed: CompressedClassifier) -> str:
    """The model type that the manifest and the model card state."""
    return ELSEWHERE if compressed.config is None else compressed.config.type


def own_parameters(compressed: CompressedClassifier) -> int:
    """The parameter count of the compressed network."""
    return parameters(compressed.plain if compressed.plain is not None else compressed.model)


def _preprocessing(image_input: ImageInput) -> str:
    colour = "greyscale (ITU-R 601 luma)" if image_input.channels == 1 else "RGB"
    size = f"{image_input.height} × {image_input.width}"
    fit = {
        "crop": f"resized to cover {size} and centre-cropped",
        "stretch": f"resized to {size}, ignoring the aspect ratio",
        "pad": f"resized to fit into {size} and padded with the background colour",
    }[image_input.fit]
    values = (
        "pixel values 0 to 255, which the model normalizes itself"
        if image_input.normalized_by == "graph"
        else "pixel values normalized per channel: (value - mean) / std"
    )
    return f"image in {colour}, {fit} ({image_input.resize} interpolation), channels last, {values}"


__all__ = [
    "CARD",
    "ELSEWHERE",
    "GOLDEN",
    "LABELS",
    "classifier_manifest_table",
    "input_and_output",
    "labels_table",
    "model_type",
    "own_parameters",
]
