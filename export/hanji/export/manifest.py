"""manifest.json: everything a device has to know, and where the model came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import tf_keras as keras

from hanji.compression.compressed import CompressedModel
from hanji.export.tfjs import OLDEST_TFJS
from hanji.runtime import __version__
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import Artifact, FileEntry
from hanji.runtime.manifest_reader import SCHEMA_VERSION
from hanji.training.models.history import HistoryModel

UNKNOWN_USER = ("popularity", "error")
UNKNOWN_ITEM = ("skip", "error")
PROTOCOL = "leave-one-out, 99 sampled negatives"
_TOOLS = (
    "ai-edge-litert",
    "numpy",
    "onnx",
    "onnxruntime",
    "tensorflow",
    "tensorflow-model-optimization",
    "tf2onnx",
    "tf_keras",
)
_RANGES = ("min", "max", "optimizer_step")  # variables of quantization, not parameters of the model


@dataclass(frozen=True)
class Policies:
    """What a device does with an id that the bundle does not know. With a history model it knows no users."""

    unknown_user: str
    unknown_item: str


def manifest_table(
    compressed: CompressedModel, artifacts: Sequence[Artifact], files: Sequence[FileEntry], policies: Policies
) -> dict[str, Any]:
    """The content of manifest.json; ``files`` are those that belong to no artifact."""
    full, recipe = compressed.full, compressed.recipe
    return {
        "schema_version": SCHEMA_VERSION,
        "name": full.data.name,
        "task": "recommendation",
        "model": {
            "type": compressed.config.type,
            "parameters": parameters(compressed.model),
            "full_parameters": parameters(full.model),
        },
        "artifacts": [artifact_table(artifact) for artifact in artifacts],
        "files": [asdict(file) for file in files],
        "ids": _ids(compressed, policies),
        "preprocessing": _preprocessing(compressed),
        "golden": "golden.json",
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": recipe.tables},
        "metrics": {"protocol": PROTOCOL, "full": full.metrics, "compressed": compressed.metrics},
        "training_data": asdict(full.data),
        "seed": full.seed,
        "versions": versions_of(artifacts),
    }


def _ids(compressed: CompressedModel, policies: Policies) -> dict[str, Any]:
    catalogue = compressed.full.catalogue
    items = {"path": "items.json", "count": catalogue.items, "unknown": policies.unknown_item}
    if knows_no_users(compressed):
        return {"items": items}
    users = {"path": "users.json", "count": catalogue.users, "unknown": policies.unknown_user}
    return {"users": users, "items": items}


def _preprocessing(compressed: CompressedModel) -> dict[str, str]:
    item = "index of the id in items.json"
    if knows_no_users(compressed):
        return {
            "history": f"for each item that the user has met, each once, oldest first, the {item}; at least "
            "one and as many as there are; -1 is padding and counts for nothing",
            "item": item,
        }
    return {"user": "index of the id in users.json", "item": item}


def knows_no_users(compressed: CompressedModel) -> bool:
    """Whether the bundle holds a history model, and nothing of any user."""
    return isinstance(compressed.model, HistoryModel)


def parameters(model: keras.Model) -> int:
    """Numbers that the model has learned; the ranges of quantization do not count."""
    return sum(
        int(weight.shape.num_elements())
        for weight in model.weights
        if not weight.name.split("/")[-1].split(":")[0].endswith(_RANGES)
    )


def artifact_table(artifact: Artifact) -> dict[str, Any]:
    """The manifest's entry of an artifact."""
    table = asdict(artifact)
    table["parity"] = {key: value for key, value in table["parity"].items() if value is not None}
    return table


def versions_of(artifacts: Sequence[Artifact]) -> dict[str, str]:
    """The tools that made the bundle, with their versions."""
    versions = {tool: installed_version(tool) for tool in _TOOLS}
    if any(artifact.format == "tfjs" and artifact.parity.checked for artifact in artifacts):
        versions["tfjs"] = OLDEST_TFJS
    return {"hanji": __version__, **{tool: version for tool, version in versions.items() if version}}


__all__ = [
    "PROTOCOL",
    "UNKNOWN_ITEM",
    "UNKNOWN_USER",
    "Policies",
    "artifact_table",
    "knows_no_users",
    "manifest_table",
    "parameters",
    "versions_of",
]
