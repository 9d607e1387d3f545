"""How a model is fitted, whatever its architecture: the ``[training]`` table of a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingConfig:
    """Options of the training loop."""

    epochs: int = 20
    """Passes over the positives, each with newly sampled negatives."""

    batch_size: int = 16_384
    """Samples (positives and negatives together) in one step; for ``history`` models, users."""

    learning_rate: float = 0.002
    """Adam's, at the first step; it falls linearly to ``final_learning_rate``."""

    final_learning_rate: float = 0.0002

    negatives: int = 4
    """Items that a user has not met, sampled for each positive, anew in each epoch."""

    patience: int = 3
    """Epochs without a better validation NDCG@10 before training stops."""

    pretraining_epochs: int = 0
    """Epochs that each tower of a ``neumf`` is trained alone before the two are fused; those of an
    alternating-least-squares model from which a ``history`` model starts. 0 starts from random weights."""

    held_back: float = 0.2
    """Mean fraction of each history that a ``history`` model does not see but has to find."""

    average_decay: float = 0.995
    """Decay per step of the moving average of the weights, which is what is validated and kept
    (Polyak and Juditsky 1992); 0 keeps the weights themselves."""

    def learning_rate_at(self, epoch: int, share: float) -> float:
        """The rate of this 0-based epoch: a straight line from first to last, whatever ``share`` is done."""
        done = epoch / max(self.epochs - 1, 1)
        return self.learning_rate + done * (self.final_learning_rate - self.learning_rate)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "negatives", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.pretraining_epochs < 0:
            raise ValueError(f"pretraining_epochs must not be negative, found {self.pretraining_epochs}")
        if not 0.0 < self.final_learning_rate <= self.learning_rate:
            raise ValueError(
                "expected 0 < final_learning_rate <= learning_rate, "
                f"found {self.final_learning_rate} and {self.learning_rate}"
            )
        if not 0.0 < self.held_back <= 0.5:
            raise ValueError(f"held_back is a fraction in (0, 0.5], found {self.held_back}")
        if not 0.0 <= self.average_decay < 1.0:
            raise ValueError(f"average_decay is a fraction in [0, 1), found {self.average_decay}")
