"""The steps a recipe is made of, one frozen dataclass each.

A step says what to do and nothing about how: distil.py, prune.py and quantize.py know how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hanji.compression.recipe_base import check_training
from hanji.training.recommenders.models.config import Pooling

Scheme = Literal["float32", "float16", "dynamic", "int8", "int8-rows", "int4-rows"]
"""What an exported artifact holds; ``int8-qat`` is a way to train for ``int8``."""

ROW_BITS: dict[Scheme, int] = {"int8-rows": 8, "int4-rows": 4}
"""The schemes that store each row of an item table in few bits, with a scale of its own."""

HISTORY_SCHEMES: tuple[Scheme, ...] = ("float32", "float16", *ROW_BITS)
"""The schemes that history models come in."""


@dataclass(frozen=True)
class Distil:
    """Train a smaller model of the same kind on the teacher's scores (Hinton et al. 2015)."""

    embedding_size: int = 32
    """Factors of the student's tables; see ModelConfig."""

    mlp_embedding_size: int = 16
    """Factors of the student's MLP tables (neumf only)."""

    hidden_units: tuple[int, ...] = (32, 16)
    """Widths of the student's hidden layers."""

    teacher: Literal["full", "ensemble"] = "full"
    """``full``: the trained model. ``ensemble``: ALS and EASE, fitted for the purpose, with the full
    model beside them if it is a ``history`` model, all weighted by held-out items; together they often
    rank better than a neural model of any size."""

    teacher_weight: float = 0.7
    """Share of the loss that follows the teacher; the rest follows the interactions."""

    temperature: float = 1.5
    """Of the softmax over the catalogue in which a ``history`` student follows its teacher: higher makes
    the lower places count for more."""

    regression_weight: float = 40.0
    """How much the squared difference from the teacher's standardized scores counts beside the ranking
    (``history`` only)."""

    history_pooling: Pooling = "sum"
    """How a ``history`` student pools; see ModelConfig."""

    user_units: int = 0
    """Width of a ``history`` student's hidden layer; see ModelConfig."""

    held_back: float = 0.2
    """Mean fraction of each history that a ``history`` student does not see but has to find."""

    dropout: float = 0.0
    """Fraction dropped after each hidden layer of the student."""

    embedding_dropout: float = 0.0
    """Fraction dropped from each looked-up embedding row of the student."""

    embedding_regularization: float = 0.0
    """L2 penalty on each looked-up row of the student, per sample."""

    epochs: int = 15
    learning_rate: float = 0.002

    def __post_init__(self) -> None:
        if not 0.0 <= self.teacher_weight <= 1.0:
            raise ValueError(f"teacher_weight is a fraction from 0 to 1, found {self.teacher_weight}")
        if self.temperature <= 0.0 or self.regression_weight < 0.0:
            raise ValueError(
                "expected a positive temperature and a regression_weight of at least 0, "
                f"found {self.temperature} and {self.regression_weight}"
            )
        if not 0.0 < self.held_back <= 0.5:
            raise ValueError(f"held_back is a fraction in (0, 0.5], found {self.held_back}")
        check_training(self.epochs, self.learning_rate)


@dataclass(frozen=True)
class LowRank:
    """Fewer factors for a ``history`` model in closed form: the table's best approximation of that rank."""

    embedding_size: int = 64
    """Factors that are kept."""

    epochs: int = 0
    """Of training afterwards; 0 leaves the closed form as it is."""

    learning_rate: float = 0.0005

    def __post_init__(self) -> None:
        if self.embedding_size < 1:
            raise ValueError(f"embedding_size must be at least 1, found {self.embedding_size}")
        if self.epochs < 0:
            raise ValueError(f"epochs must not be negative, found {self.epochs}")
        check_training(max(self.epochs, 1), self.learning_rate)


@dataclass(frozen=True)
class Prune:
    """Set the smallest weights to zero, a few more at each step (Zhu and Gupta 2017)."""

    sparsity: float = 0.5
    """Fraction of each pruned tensor that ends as zero."""

    embeddings: bool = True
    """Prune the embedding tables too; they are nearly all of a recommender's bytes."""

    epochs: int = 4
    learning_rate: float = 0.0005

    def __post_init__(self) -> None:
        if not 0.0 < self.sparsity < 1.0:
            raise ValueError(f"sparsity is a fraction between 0 and 1 (80 % is 0.8), found {self.sparsity}")
        check_training(self.epochs, self.learning_rate)


@dataclass(frozen=True)
class Quantize:
    """Store and compute with fewer bits (Jacob et al. 2018 for the integer schemes)."""

    scheme: Literal["float16", "dynamic", "int8", "int8-qat", "int8-rows", "int4-rows"] = "int8"
    """``float16``: half-precision weights. ``dynamic``: int8 weights, float activations.
    ``int8``: int8 weights and activations with ranges from calibration.
    ``int8-qat``: the same, then trained with the rounding in the loop. ``int8-rows``, ``int4-rows``:
    each row of a ``history`` model's item table in 8 or 4 bits with a scale of its own, trained with the
    rounding in the loop; other large weights in half precision."""

    calibration_users: int = 200
    """Users whose scores over the whole catalogue set the activation ranges (integer schemes)."""

    epochs: int = 3
    """Of quantization-aware training (``int8-qat``, ``int8-rows``, ``int4-rows``)."""

    learning_rate: float = 0.0002

    @property
    def artifact_scheme(self) -> Scheme:
        """What the exported artifact holds: ``int8-qat`` is a way to train for ``int8``."""
        return "int8" if self.scheme == "int8-qat" else self.scheme

    def __post_init__(self) -> None:
        if self.calibration_users < 1:
            raise ValueError(f"calibration_users must be at least 1, found {self.calibration_users}")
        check_training(self.epochs, self.learning_rate)


Step = Distil | LowRank | Prune | Quantize
