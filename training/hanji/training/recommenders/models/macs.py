"""Multiply-accumulates (MACs) of a recommender per request."""

from __future__ import annotations

from itertools import pairwise

from hanji.training.recommenders.models.config import ModelConfig


def catalogue_macs(config: ModelConfig, items: int, *, folded: bool) -> int | None:
    """MACs of scoring all ``items`` for one user: matrix products, without sums and elementwise products.

    ``folded``: the items' half of a tower's first layer, which depends on items only, is precomputed. None
    for attention, whose cost depends on the length of the history.
    """
    if config.type == "history":
        return None if config.history_pooling == "attention" else _of_history(config, items)
    product = items * config.embedding_size if config.type in ("neumf", "gmf", "mf") else 0
    return product + (_of_tower(config, items, folded) if config.type in ("neumf", "mlp", "ncf") else 0)


def _of_history(config: ModelConfig, items: int) -> int:
    size, units = config.embedding_size, config.hidden_units
    user = config.heads * size * size + 2 * size * config.user_units
    first = size * units[0] if units else 0
    return user + items * size + first + items * _after_first(units)


def _of_tower(config: ModelConfig, items: int, folded: bool) -> int:
    first = config.hidden_units[0]
    size = config.embedding_size if config.type == "ncf" else config.mlp_embedding_size
    per_pair = (3 if config.type == "ncf" else 2) * size * first
    if folded:  # the user's part once; for ncf also the product's part, once per item
        before = size * first + (items * size * first if config.type == "ncf" else 0)
    else:
        before = items * per_pair
    return before + items * _after_first(config.hidden_units)


def _after_first(units: tuple[int, ...]) -> int:
    """MACs per item of the hidden layers after the first, and of the head."""
    return sum(before * after for before, after in pairwise((*units, 1))) if units else 0


__all__ = ["catalogue_macs"]
