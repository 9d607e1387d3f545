"""Estimates of the memory that training needs, checked before it begins."""

from __future__ import annotations

from hanji.training.memory import expect_memory
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.models.config import ModelConfig

_INSTEAD = (
    "use fewer factors, a sample of the data (or a higher minimum_user_interactions or "
    "minimum_item_interactions)"
)
_COPIES = (
    12  # of the weights: gradient, optimizer, average, best epoch, and those that a checkpoint is made of
)
_LAYERS = 8  # arrays of the size of a batch's logits: softmaxes, masks, targets and gradients


def expect_training_memory(config: ModelConfig, training: TrainingConfig, *, users: int, items: int) -> None:
    """DataError if training a model of ``config`` needs more memory than there is, by an estimate."""
    needed = _COPIES * _weight_bytes(config, users, items) + _batch_bytes(config, training.batch_size, items)
    expect_memory(
        needed,
        f"training a {config.type} model of {users:,} users and {items:,} items",
        f"{_INSTEAD}, a smaller batch_size",
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


def _batch_bytes(config: ModelConfig, batch_size: int, items: int) -> int:
    """Bytes of the layers of a batch: a history model has those of the whole catalogue for each user."""
    layers = _LAYERS + 2 * sum(config.hidden_units)
    return 4 * batch_size * layers * (items if config.type == "history" else 1)


__all__ = ["expect_factorization_memory", "expect_training_memory"]
