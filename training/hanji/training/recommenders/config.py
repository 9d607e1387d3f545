"""How a recommender is trained, whatever its architecture: the ``[training]`` table of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval, Unit

from hanji.training.settings import Count, Fraction, Positive, check_ranges

HeldBack = Annotated[float, Interval(gt=0.0, le=0.5)]
AlsEngine = Literal["hanji", "spark"]
"""What fits alternating least squares."""


@dataclass(frozen=True)
class TrainingConfig:
    """Options of the training loop; raises ValueError for values out of range."""

    epochs: Annotated[Count, Unit("epochs")] = 20
    """Passes over the positives at most, each with newly sampled negatives."""

    batch_size: Annotated[Count, Unit("samples")] = 16_384
    """Samples (positives and negatives together) per step; users per step for ``history`` models."""

    learning_rate: Positive = 0.002
    """Adam's learning rate in the first epoch; it decays linearly to ``final_learning_rate``."""

    final_learning_rate: Positive = 0.0002
    """Learning rate in the last epoch, at most ``learning_rate``."""

    negatives: Annotated[Count, Unit("items per positive")] = 4
    """Items without an interaction of the user, sampled for each positive, anew in each epoch."""

    patience: Annotated[Count, Unit("epochs")] = 3
    """Epochs without a better validation NDCG@10 before training stops."""

    pretraining_epochs: Annotated[int, Ge(0), Unit("epochs")] = 0
    """Epochs in which each tower of a ``neumf`` is trained alone before the two are fused, or iterations of
    the alternating-least-squares model that initializes a ``history`` model, unless that knows the order
    of histories (``timescales``). 0 starts from random weights."""

    held_back: HeldBack = 0.2
    """Mean fraction of each history that is hidden from a ``history`` model and has to be predicted. One that
    knows the order (``timescales``) predicts each item from those before it instead."""

    sampled_items: Annotated[Count, Unit("items")] | None = None
    """Items that a step of a ``history`` model computes beside those of its batch, sampled anew for each
    step: more of them approximate the softmax over the catalogue better, and take longer. By default all
    items of a catalogue of up to 50,000, and 8,192 of a larger one."""

    average_decay: Fraction = 0.995
    """Decay per step of the moving average of the weights, which is what is validated and kept
    (Polyak and Juditsky 1992); 0 keeps the weights themselves."""

    def learning_rate_at(self, epoch: int, share: float) -> float:
        """The learning rate of a 0-based epoch: linear from the first to the last, constant within each."""
        done = epoch / max(self.epochs - 1, 1)
        return self.learning_rate + done * (self.final_learning_rate - self.learning_rate)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.final_learning_rate > self.learning_rate:
            raise ValueError(
                f"final_learning_rate: expected at most learning_rate ({self.learning_rate}), "
                f"found {self.final_learning_rate}"
            )
