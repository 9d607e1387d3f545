"""The shape of a recipe: the part of its settings that determines a file's size and speed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hanji.studies.variant import Variant

_SHAPE = {
    "distil": (
        "model",
        "embedding_size",
        "mlp_embedding_size",
        "hidden_units",
        "history_pooling",
        "history_heads",
        "user_units",
    ),
    "low-rank": ("embedding_size",),
    "channels": ("keep",),
    "prune": ("sparsity", "layers", "sparse_storage"),
    "quantize": ("scheme", "float_layers"),
}
"""The settings of each step that affect a file's size or speed; clusters and dense zeros do not."""

_BYTES_PER_WEIGHT = {"float32": 4.0, "float16": 2.0, "int4-rows": 0.5}
_EIGHT_BITS = 1.0


def shape_key(variant: Variant) -> Variant:
    """A variant with the shape and scheme only, without settings of the training."""
    tables = [_shape_of(table) for table in variant.tables if _changes_the_file(table)]
    return Variant(variant.name, tuple(tables))


def bytes_per_weight(variant: Variant) -> float:
    """The minimum number of bytes per weight in the recipe's scheme."""
    scheme = next(
        (table.get("scheme", "int8") for table in variant.tables if _is(table, "quantize")), "float32"
    )
    dense = 1.0 - sparsity_of(variant) if any(_stored_sparse(table) for table in variant.tables) else 1.0
    return _BYTES_PER_WEIGHT.get(scheme, _EIGHT_BITS) * dense


def sparsity_of(variant: Variant) -> float:
    """The target sparsity of pruned tensors."""
    return next((float(table.get("sparsity", 0.5)) for table in variant.tables if _is(table, "prune")), 0.0)


def longest_shared_prefix(variant: Variant, built: Sequence[Variant]) -> Variant | None:
    """The variant in ``built`` that shares the most leading steps with ``variant``; None if there is none."""
    shared = [(_common(variant, other), other) for other in built]
    steps, resume_from = max(shared, key=lambda pair: pair[0], default=(0, None))
    return resume_from if steps else None


def _common(one: Variant, other: Variant) -> int:
    pairs = zip(one.tables, other.tables, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _shape_of(table: Mapping[str, Any]) -> dict[str, Any]:
    step = table["type"]
    settings = {key: table[key] for key in _SHAPE[step] if key in table}
    if settings.get("scheme") == "int8-qat":  # the same number format in the file
        settings["scheme"] = "int8"
    return {"type": step, **settings}


def _changes_the_file(table: Mapping[str, Any]) -> bool:
    return _stored_sparse(table) if _is(table, "prune") else table["type"] in _SHAPE


def _stored_sparse(table: Mapping[str, Any]) -> bool:
    return _is(table, "prune") and bool(table.get("sparse_storage"))


def _is(table: Mapping[str, Any], step: str) -> bool:
    return bool(table["type"] == step)


__all__ = ["bytes_per_weight", "longest_shared_prefix", "shape_key", "sparsity_of"]
