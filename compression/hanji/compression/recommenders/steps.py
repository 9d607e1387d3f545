"""The steps of a recommender's recipe, one frozen dataclass each.

They hold only the options; distil.py, low_rank.py, prune.py and quantize.py implement them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Unit

from hanji.compression.recipe_base import Share, Sparsity
from hanji.training.recommenders.config import AlsEngine, HeldBack
from hanji.training.recommenders.models.config import Heads, Pooling
from hanji.training.settings import Count, Fraction, Positive, check_ranges

Scheme = Literal["float32", "float16", "dynamic", "int8", "int8-rows", "int4-rows"]
"""The number format of an exported artifact; ``int8-qat`` is training for ``int8``."""

ROW_BITS: dict[Scheme, int] = {"int8-rows": 8, "int4-rows": 4}
"""Bits per value of the row-wise schemes, which store each row of an item table with its own scale."""

HISTORY_SCHEMES: tuple[Scheme, ...] = ("float32", "float16", *ROW_BITS)
"""The schemes of history models."""


@dataclass(frozen=True)
class Distil:
    """Train a smaller model of the same type on the teacher's scores (Hinton et al. 2015)."""

    embedding_size: Annotated[Count, Unit("factors")] = 32
    """Size of the student's embeddings, as in ``[model]``."""

    mlp_embedding_size: Annotated[Count, Unit("factors")] = 16
    """Size of the student's MLP embeddings (neumf only)."""

    hidden_units: tuple[Annotated[Count, Unit("units")], ...] = (32, 16)
    """Widths of the student's hidden layers."""

    teacher: Literal["full", "ensemble"] = "full"
    """``full``: the trained model. ``ensemble``: models fitted for the purpose, weighted by validation, with
    the full model if it is a ``history`` model. They are SASRec if the student knows the order of histories,
    else ALS and EASE, which together often rank better than a neural model of any size."""

    sasrec_epochs: Annotated[int, Ge(0), Unit("epochs")] = 40
    """Epochs of SASRec's training at most; 0 leaves it out of the ensemble (``timescales`` only)."""

    als_engine: AlsEngine = "hanji"
    """What fits the ensemble's ALS. ``spark``: pyspark.ml, for data of a cluster's size; needs the extra
    ``spark``, and Spark's own configuration names its master (default: all cores of this machine)."""

    teacher_weight: Share = 0.7
    """Weight of the teacher in the loss; the rest is the weight of the interactions."""

    temperature: Positive = 1.5
    """Temperature of the softmax over the catalogue with which a ``history`` student follows its teacher:
    a higher one gives more weight to lower ranks."""

    regression_weight: Annotated[float, Ge(0.0)] = 40.0
    """Weight of the squared difference from the teacher's standardized scores, relative to the ranking loss
    (``history`` with ``sum`` or ``attention`` only)."""

    history_pooling: Pooling = "timescales"
    """Pooling of a ``history`` student, as in ``[model]``; ``timescales`` is ``sum`` if the full model does
    not know the order of histories."""

    history_heads: Heads = 3
    """Heads of a ``history`` student, as in ``[model]``."""

    user_units: Annotated[int, Ge(0), Unit("units")] = 0
    """Width of a ``history`` student's hidden layer, as in ``[model]``."""

    held_back: HeldBack = 0.2
    """Mean fraction of each history that is hidden from a ``history`` student and has to be predicted
    (``sum`` or ``attention`` only)."""

    dropout: Fraction = 0.0
    """Fraction of units dropped after each hidden layer of the student."""

    embedding_dropout: Fraction = 0.0
    """Fraction dropped from each embedding of the student after lookup."""

    embedding_regularization: Annotated[float, Ge(0.0)] = 0.0
    """L2 penalty on each embedding of the student after lookup, per sample."""

    epochs: Annotated[Count, Unit("epochs")] = 15
    """Epochs of the student's training at most."""

    learning_rate: Positive = 0.002
    """Adam's learning rate in the first epoch; it decays linearly to ``final_learning_rate`` of
    ``[training]``, if that is lower."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class LowRank:
    """Fewer factors for a ``history`` model in closed form: the best approximation of the item embeddings of
    that rank."""

    embedding_size: Annotated[Count, Unit("factors")] = 64
    """Factors that are kept."""

    epochs: Annotated[int, Ge(0), Unit("epochs")] = 0
    """Epochs of fine-tuning; 0 keeps the closed form."""

    learning_rate: Positive = 0.0005
    """Adam's learning rate in the first epoch of fine-tuning; it decays linearly to ``final_learning_rate``
    of ``[training]``, if that is lower."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class Prune:
    """Set the smallest weights to zero, with a sparsity that grows step by step (Zhu and Gupta 2017)."""

    sparsity: Sparsity = 0.5
    """Fraction of each pruned tensor that is zero at the end: 80 % is 0.8."""

    embeddings: bool = True
    """Prune the embeddings too; they are nearly all of a recommender's bytes."""

    epochs: Annotated[Count, Unit("epochs")] = 4
    """Epochs of the training in which the sparsity grows."""

    learning_rate: Positive = 0.0005
    """Adam's learning rate in the first epoch; it decays linearly to ``final_learning_rate`` of
    ``[training]``, if that is lower."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class Quantize:
    """Store and compute with fewer bits (Jacob et al. 2018 for the integer schemes)."""

    scheme: Literal["float16", "dynamic", "int8", "int8-qat", "int8-rows", "int4-rows"] = "int8"
    """``float16``: half-precision weights. ``dynamic``: int8 weights, float activations. ``int8``: int8
    weights and activations with ranges from calibration. ``int8-qat``: the same after quantization-aware
    training. ``int8-rows``, ``int4-rows``: each row of the item embeddings of a ``history`` model in 8 or 4
    bits with its own scale, after quantization-aware training; other large weights in half precision."""

    calibration_users: Annotated[Count, Unit("users")] = 200
    """Users whose scores over the whole catalogue set the activation ranges (integer schemes)."""

    epochs: Annotated[Count, Unit("epochs")] = 3
    """Epochs of quantization-aware training (``int8-qat``, ``int8-rows``, ``int4-rows``)."""

    learning_rate: Positive = 0.0002
    """Adam's learning rate in the first epoch of quantization-aware training; it decays linearly to
    ``final_learning_rate`` of ``[training]``, if that is lower."""

    @property
    def artifact_scheme(self) -> Scheme:
        """The scheme of the exported artifact: ``int8-qat`` is training for ``int8``."""
        return "int8" if self.scheme == "int8-qat" else self.scheme

    def __post_init__(self) -> None:
        check_ranges(self)


Step = Distil | LowRank | Prune | Quantize
