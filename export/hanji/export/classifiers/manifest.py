"""manifest.json of a classifier: everything a device has to know, and where the model came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.manifest import artifact_table, parameters, versions_of
from hanji.export.classifiers.formats.names import IMAGE
from hanji.runtime.manifest import (
    CLASSIFICATION,
    Artifact,
    FileEntry,
    ImageInput,
    LabelTable,
    Probabilities,
)
from hanji.runtime.manifest.reader import SCHEMA_VERSION
from hanji.training.classifiers.metrics import PROTOCOL

LABELS, GOLDEN, CARD = "labels.json", "golden.json", "MODEL_CARD.md"
ELSEWHERE = "trained elsewhere"
"""The type of a model of which no ImageModelConfig is known."""


def classifier_manifest_table(
    compressed: CompressedClassifier,
    artifacts: Sequence[Artifact],
    files: Sequence[FileEntry],
    image_input: ImageInput,
    probabilities: Probabilities,
) -> dict[str, Any]:
    """The content of manifest.json; ``files`` are those that belong to no artifact.

    ``picture`` and ``probabilities`` say what all artifacts take and give.
    """
    full, recipe = compressed.full, compressed.recipe
    return {
        "schema_version": SCHEMA_VERSION,
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
        "training_data": asdict(full.data),
        "seed": full.seed,
        "versions": versions_of(artifacts),
    }


def input_and_output(image_input: ImageInput, classes: int, probabilities: Probabilities) -> dict[str, Any]:
    """What the manifest says of pictures, of classes and of what the model gives."""
    return {
        "labels": asdict(LabelTable(LABELS, classes)),
        "picture": asdict(image_input),
        "probabilities": asdict(probabilities),
        "preprocessing": {IMAGE: _in_words(image_input)},
    }


def labels_table(labels: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The content of labels.json."""
    table: dict[str, Any] = {"labels": list(labels)}
    if names:
        table["names"] = {language: list(translated) for language, translated in names.items()}
    return table


def model_type(compressed: CompressedClassifier) -> str:
    """What the network is called."""
    return ELSEWHERE if compressed.config is None else compressed.config.type


def own_parameters(compressed: CompressedClassifier) -> int:
    """Numbers that the compressed network has learned."""
    return parameters(compressed.plain if compressed.plain is not None else compressed.model)


def _in_words(image_input: ImageInput) -> str:
    colour = "grey (ITU-R 601 luma)" if image_input.channels == 1 else "red, green, blue"
    fit = {
        "crop": "scaled until its shorter side fits, then its middle cut out",
        "stretch": "scaled to the size, whatever its proportions",
        "pad": "scaled until its longer side fits, the rest filled with the background",
    }[image_input.fit]
    takes = (
        "as levels of 0 to 255: the model normalizes them itself"
        if image_input.normalized_by == "graph"
        else "then normalized, (level - mean) / std for each channel"
    )
    return (
        f"a picture in {colour}, {fit}, to {image_input.height} × {image_input.width} "
        f"({image_input.resize}), channels last, {takes}"
    )


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
