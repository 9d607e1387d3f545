"""The architecture of a recommender: the ``[model]`` table of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Interval, Unit

from hanji.training.errors import RecipeError
from hanji.training.settings import Count, Fraction, Positive, check_ranges

ModelType = Literal["neumf", "gmf", "mlp", "ncf", "mf", "history"]
Pooling = Literal["sum", "attention", "timescales"]
Heads = Annotated[int, Interval(ge=1, le=8), Unit("heads")]


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of a recommender, independent of how it is trained; raises ValueError for invalid
    combinations."""

    type: ModelType = "neumf"
    """``neumf``: the ``gmf`` and ``mlp`` towers, fused (He et al. 2017). ``gmf``, ``mlp``: one of them alone.
    ``ncf``: one tower over user, item and their product. ``mf``: matrix factorization with biases.
    ``history``: a user is represented by the items of the history, so the model has no users."""

    embedding_size: Annotated[Count, Unit("factors")] = 64
    """Size of the embeddings of the GMF tower; of the only embeddings of ``ncf``, ``mf`` and ``history``."""

    mlp_embedding_size: Annotated[Count, Unit("factors")] = 32
    """Size of the embeddings of the MLP tower."""

    hidden_units: tuple[Annotated[Count, Unit("units")], ...] = (64, 32, 16)
    """Width of each hidden layer, first to last. ``mf`` and ``gmf`` have none; an empty list leaves a
    ``history`` model with the product of user and item alone."""

    dropout: Fraction = 0.0
    """Fraction of units dropped after each hidden layer (not ``history``)."""

    embedding_dropout: Fraction = 0.0
    """Fraction dropped from each embedding after lookup; of ``history`` with ``timescales`` only."""

    embedding_regularization: Annotated[float, Ge(0.0)] = 0.0
    """L2 penalty on each embedding after lookup, per sample, so that frequent ids are regularized more (not
    ``history``)."""

    batch_normalization: bool = False
    """Batch normalization after each hidden layer (``ncf`` only)."""

    embedding_stddev: Positive = 0.05
    """Standard deviation of the initial embeddings."""

    history_pooling: Pooling = "sum"
    """How the embeddings of a history become one. ``timescales``: sums with learned weights by age, one for
    each head, for data with an order; without one it is ``sum``. ``sum`` and ``attention``, which is
    conditioned on the state of the user, do not know the order."""

    history_length_exponent: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.65
    """The sum is divided by the length of the history to this power: 0 is a sum, 1 a mean. With
    ``timescales``, by the sum of the weights to this power."""

    history_heads: Heads = 3
    """Sums of ``timescales``."""

    history_ages: Annotated[Count, Unit("items")] = 200
    """Ages that ``timescales`` has a weight for: only as many of the latest items of a history count."""

    attention_units: Annotated[Count, Unit("units")] = 16
    """Width of the layer that computes the attention."""

    user_units: Annotated[int, Ge(0), Unit("units")] = 0
    """Width of a hidden layer from the pooled history to the user vector, beside the skip connection;
    0: none."""

    removed_keys: ClassVar = {
        "history_order": 'write history_pooling = "timescales" instead of true, nothing instead of false; '
        "a model that was saved with it has to be trained again"
    }

    @property
    def has_users(self) -> bool:
        """Whether the model has user embeddings; the input of a ``history`` model is a history instead."""
        return self.type != "history"

    @property
    def ordered(self) -> bool:
        """Whether the order of a history counts."""
        return self.type == "history" and self.history_pooling == "timescales"

    @property
    def heads(self) -> int:
        """How many vectors a ``history`` model pools a history to."""
        return self.history_heads if self.ordered else 1

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.type in ("neumf", "mlp", "ncf") and not self.hidden_units:
            raise ValueError(f"hidden_units: expected at least one entry for a {self.type} model, found none")
        if self.batch_normalization and self.type != "ncf":
            raise ValueError(f"batch_normalization: for ncf only, found a {self.type} model")


def check_embedding(model: ModelConfig, items: int, where: str = "model") -> None:
    """RecipeError for a ``history`` model with more factors than the catalogue has items.

    The rank of its item embeddings is at most the number of items, so the other factors would be useless.
    ``where`` names the table of the recipe.
    """
    if model.type == "history" and model.embedding_size > items:
        raise RecipeError(
            f"{where}.embedding_size: expected at most {items}, the number of items in the data, found "
            f"{model.embedding_size}; use fewer factors, such as {max(items // 2, 1)}"
        )


__all__ = ["Heads", "ModelConfig", "ModelType", "Pooling", "check_embedding"]
