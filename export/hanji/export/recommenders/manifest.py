"""manifest.json of a recommender: everything that a device needs to run it, and its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.export.bundle.manifest import artifact_table, parameters, training_data_table, versions_of
from hanji.runtime.manifest import Artifact, FileEntry
from hanji.runtime.manifest.parts import SCHEMA_VERSION
from hanji.runtime.manifest.types import TABLE_SUFFIX
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.config import ModelConfig

UNKNOWN_USER = ("popularity", "error")
UNKNOWN_ITEM = ("skip", "error")
TABLE_FROM = 10_000
"""Number of ids from which a table file replaces JSON, which people can read. Fewer are read in 10 ms."""


@dataclass(frozen=True)
class Policies:
    """How a device handles unknown ids. ``unknown_user`` does not apply to history models."""

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
            **_order(compressed.config),
        },
        "artifacts": [artifact_table(artifact) for artifact in artifacts],
        "files": [asdict(file) for file in files],
        "ids": _ids(compressed, policies),
        "preprocessing": _preprocessing(compressed),
        "golden": "golden.json",
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "steps": recipe.tables},
        "metrics": {
            "protocol": full.protocol,
            "full": full.metrics,
            "compressed": compressed.metrics,
        },
        "training_data": training_data_table(full.data),
        "seed": full.seed,
        "versions": versions_of(artifacts),
    }


def _latest(config: ModelConfig) -> str:
    return f", of which the latest {config.history_ages} count" if config.ordered else ""


def _order(config: ModelConfig) -> dict[str, int]:
    return {"latest_items": config.history_ages} if config.ordered else {}


def _ids(compressed: CompressedModel, policies: Policies) -> dict[str, Any]:
    catalogue = compressed.full.catalogue
    items = {"path": items_path(catalogue), "count": catalogue.items, "unknown": policies.unknown_item}
    if not compressed.config.has_users:
        return {"items": items}
    users = {"path": users_path(catalogue), "count": catalogue.users, "unknown": policies.unknown_user}
    return {"users": users, "items": items}


def _preprocessing(compressed: CompressedModel) -> dict[str, str]:
    catalogue = compressed.full.catalogue
    item = f"index of the id in {items_path(catalogue)}"
    if not compressed.config.has_users:
        return {
            "history": f"for each item the user interacted with, without duplicates, oldest first: {item}; "
            f"at least one item, any length{_latest(compressed.config)}; -1 is padding and is ignored",
            "item": item,
        }
    return {"user": f"index of the id in {users_path(catalogue)}", "item": item}


def users_path(catalogue: Catalogue) -> str:
    """The path of the user ids in the bundle."""
    return f"users{_suffix(catalogue.users)}"


def items_path(catalogue: Catalogue) -> str:
    """The path of the items in the bundle."""
    return f"items{_suffix(catalogue.items)}"


def _suffix(count: int) -> str:
    return ".json" if count < TABLE_FROM else TABLE_SUFFIX


__all__ = ["UNKNOWN_ITEM", "UNKNOWN_USER", "Policies", "items_path", "manifest_table", "users_path"]
