"""How many multiply-accumulates one answer of a recommender takes."""

from __future__ import annotations

from itertools import pairwise

from hanji.training.recommenders.models.config import ModelConfig


def catalogue_macs(config: ModelConfig, items: int, *, folded: bool) -> int | None:
    """Of scoring all ``items`` for one user: matrix products; sums and elementwise products are not counted.

    ``folded``: what depends on items only, the items' half of a tower's first layer, was computed before.
    None for attention, whose work depends on the history's length.
    """
    if config.type == "history":
        return None if config.history_pooling == "attention" else _of_history(config, items)
    product = items * config.embedding_size if config.type in ("neumf", "gmf", "mf") else 0
    return product + (_of_tower(config, items, folded) if config.type in ("neumf", "mlp", "ncf") else 0)


def _of_history(config: ModelConfig, items: int) -> int:
    size, units = config.embedding_size, config.hidden_units
    user = size * size + 2 * size * config.user_units
    first = size * units[0] if units else 0
    return user + items * size + first + items * _behind_first(units)


def _of_tower(config: ModelConfig, items: int, folded: bool) -> int:
    first = config.hidden_units[0]
    size = config.embedding_size if config.type == "ncf" else config.mlp_embedding_size
    a_pair = (3 if config.type == "ncf" else 2) * size * first
    if folded:  # the user's half once; of ncf the product's third again for each item
        before = size * first + (items * size * first if config.type == "ncf" else 0)
    else:
        before = items * a_pair
    return before + items * _behind_first(config.hidden_units)


def _behind_first(units: tuple[int, ...]) -> int:
    """Of one item: the hidden layers behind the first, and the head."""
    return sum(before * after for before, after in pairwise((*units, 1))) if units else 0


__all__ = ["catalogue_macs"]
