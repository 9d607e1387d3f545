"""What a recommender is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelType = Literal["neumf", "gmf", "mlp", "ncf", "mf", "history"]
Pooling = Literal["sum", "attention"]


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a recommender, independent of how it is trained."""

    type: ModelType = "neumf"
    """``neumf``: the ``gmf`` and ``mlp`` towers, fused. ``gmf``, ``mlp``: one of them alone.
    ``ncf``: one tower over user, item and their product. ``mf``: matrix factorization with biases.
    ``history``: a user is what somebody met, so the model knows no users (see models/history.py)."""

    embedding_size: int = 64
    """Factors of the GMF tower's tables; of the only tables in ``ncf``, ``mf`` and ``history``."""

    mlp_embedding_size: int = 32
    """Factors of the MLP tower's own tables."""

    hidden_units: tuple[int, ...] = (64, 32, 16)
    """Widths of the hidden layers, first to last (``mf`` and ``gmf`` have none; none leaves a ``history``
    model with the product of user and item alone)."""

    dropout: float = 0.0
    """Fraction dropped after each hidden layer."""

    embedding_dropout: float = 0.0
    """Fraction dropped from each looked-up embedding row."""

    embedding_regularization: float = 0.0
    """L2 penalty on each looked-up row, per sample, so that frequent ids are held back more."""

    batch_normalization: bool = False
    """Normalize after each hidden layer (``ncf`` only)."""

    embedding_stddev: float = 0.05
    """Standard deviation of the tables' initial values."""

    history_pooling: Pooling = "sum"
    """How a history's rows become one: a plain sum, or attention that looks at the user's state."""

    history_length_exponent: float = 0.65
    """The sum is divided by the history's length to this power: 0 lets long histories speak louder,
    1 makes all equally loud."""

    history_order: bool = False
    """Learn how much less an item counts the longer ago it was met. Needs data with times: without, the
    order of a history means nothing."""

    attention_units: int = 16
    """Width of the layer that decides the attention."""

    user_units: int = 0
    """Width of a hidden layer beside the straight way from the pooled history to the user vector; 0: none."""

    @property
    def has_users(self) -> bool:
        """Whether the model has a row for each user; a ``history`` model is given the history instead."""
        return self.type != "history"

    def __post_init__(self) -> None:
        self._check_history()
        sizes = (self.embedding_size, self.mlp_embedding_size, *self.hidden_units)
        if min(sizes) < 1:
            raise ValueError(f"embedding sizes and hidden units must be at least 1, found {sizes}")
        for name in ("dropout", "embedding_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} is a fraction in [0, 1), found {getattr(self, name)}")
        if self.embedding_regularization < 0.0:
            raise ValueError(
                f"embedding_regularization must not be negative, found {self.embedding_regularization}"
            )
        if self.type in ("neumf", "mlp", "ncf") and not self.hidden_units:
            raise ValueError(f"a {self.type} model needs at least one entry in hidden_units")
        if self.batch_normalization and self.type != "ncf":
            raise ValueError(f"batch_normalization is part of ncf only, and this is a {self.type} model")

    def _check_history(self) -> None:
        if self.user_units < 0 or self.attention_units < 1:
            raise ValueError(
                "expected user_units of at least 0 and attention_units of at least 1, "
                f"found {self.user_units} and {self.attention_units}"
            )
        if not 0.0 <= self.history_length_exponent <= 1.0:
            raise ValueError(
                f"history_length_exponent must lie in [0, 1], found {self.history_length_exponent}"
            )
