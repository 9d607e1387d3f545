"""Estimates of the memory that training needs, checked before it begins."""

from __future__ import annotations

from hanji.training.memory import expect_memory
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.item_sampling import items_sampled
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.sequence_samples import MOST_TARGETS

_INSTEAD = (
    "use fewer factors, a sample of the data (or a higher minimum_user_interactions or "
    "minimum_item_interactions)"
)
_COPIES = (
    12  # of the weights: gradient, optimizer, average, best epoch, and those that a checkpoint is made of
)
_LAYERS = 8  # arrays of the size of a batch's logits: softmaxes, masks, targets and gradients
_LONGEST = 3  # how much longer histories are in a batch of long ones than on average, if lengths vary much


def expect_training_memory(
    config: ModelConfig, training: TrainingConfig, *, users: int, items: int, interactions: int
) -> None:
    """DataError if training a model of ``config`` needs more memory than there is, by an estimate."""
    computed, history = 1, interactions / max(users, 1)
    if config.type == "history":
        computed = _items_in_step(training, items, history)
    rows = training.batch_size
    if config.ordered:
        pieces = users + interactions // config.history_ages
        rows = int(min(rows, pieces) * min(_LONGEST * history, MOST_TARGETS, config.history_ages))
    needed = _COPIES * _weight_bytes(config, users, items) + _batch_bytes(config, rows, computed)
    tower = ", no hidden_units" if config.type == "history" and config.hidden_units else ""
    expect_memory(
        needed,
        f"training a {config.type} model of {users:,} users and {items:,} items",
        f"{_INSTEAD}, a smaller batch_size{tower}",
    )


def expect_factorization_memory(users: int, items: int, interactions: int, factors: int) -> None:
    """DataError if alternating least squares needs more memory than there is, by an estimate."""
    expect_memory(
        12 * factors * (users + items) + 24 * interactions,
        f"a factorization of {users:,} users × {items:,} items with {factors} factors",
        _INSTEAD,
    )


def _weight_bytes(config: ModelConfig, users: int, items: int) -> int:
    """Bytes of the embeddings, which are nearly all of the weights."""
    widths = {
        "neumf": config.embedding_size + config.mlp_embedding_size,
        "gmf": config.embedding_size,
        "mlp": config.mlp_embedding_size,
        "ncf": config.embedding_size,
        "mf": config.embedding_size + 1,
        "history": config.embedding_size,
    }
    return 4 * widths[config.type] * (items if config.type == "history" else users + items)


def _items_in_step(training: TrainingConfig, items: int, history: float) -> int:
    """Items that a step of a history model computes for each user, with histories of this mean length."""
    sampled = items_sampled(training, items)
    return items if sampled is None else min(items, sampled + int(training.batch_size * history))


def _batch_bytes(config: ModelConfig, rows: int, items: int) -> int:
    """Bytes of the layers of a batch of ``rows``, with the logits of ``items`` for each."""
    layers = _LAYERS + 2 * sum(config.hidden_units)
    return 4 * rows * layers * items


__all__ = ["expect_factorization_memory", "expect_training_memory"]
