"""How an image classifier is fitted, whatever its architecture: the ``[training]`` table of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hanji.training.classifiers.augmentation import Augmentation


@dataclass(frozen=True)
class ImageTrainingConfig:
    """Options of the training of a classifier; raises ValueError for values that make no sense."""

    epochs: int = 30
    """Passes over the training pictures, each augmented anew."""

    batch_size: int = 128
    """Pictures in one step."""

    optimizer: Literal["sgd", "adam"] = "sgd"
    """``sgd`` with Nesterov's momentum of 0.9, or Adam."""

    learning_rate: float = 0.1
    """The highest rate: it rises to it in a straight line, and falls to zero in another."""

    warmup: float = 0.2
    """Fraction of the steps in which the rate rises."""

    weight_decay: float = 0.005
    """What each step takes off every kernel, times the learning rate (Loshchilov and Hutter 2019)."""

    label_smoothing: float = 0.0
    """Share of a label's probability that is spread over all classes (Szegedy et al. 2016)."""

    class_weight_power: float = 0.0
    """Rare classes count for more, by their frequency to this power: 0 counts pictures, 1 classes alike."""

    patience: int = 10
    """Epochs without a better validation accuracy before training stops."""

    average_decay: float = 0.0
    """Decay per step of a moving average of the weights, which is validated and kept; 0 keeps the weights
    themselves, which a rate that falls to zero has calmed down anyway."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the arithmetic while training; weights stay float32. ``bfloat16`` is about twice as fast on
    processors that have instructions for it (AMX, AVX-512 BF16), for ordinary convolutions; else slower."""

    shift: int = 0
    """Pixels by which a picture is moved at most, up or down and left or right."""

    flip: bool = False
    """Mirror half of the pictures left to right; leave it off where left and right mean something."""

    cutout: int = 0
    """Side in pixels of a square that is blanked out at a random place (DeVries and Taylor 2017)."""

    contrast: float = 0.0
    """Contrast is changed by this fraction at most."""

    brightness: float = 0.0
    """Brightness is changed by this fraction of the full range at most."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.learning_rate <= 0.0 or self.weight_decay < 0.0 or self.class_weight_power < 0.0:
            raise ValueError(
                "expected a positive learning_rate, and weight_decay and class_weight_power of at least 0, "
                f"found {self.learning_rate}, {self.weight_decay} and {self.class_weight_power}"
            )
        for name in ("warmup", "label_smoothing", "average_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} is a fraction in [0, 1), found {getattr(self, name)}")
        _ = self.augmentation

    @property
    def augmentation(self) -> Augmentation:
        """What is done to each picture before the network sees it."""
        return Augmentation(
            shift=self.shift,
            flip=self.flip,
            cutout=self.cutout,
            contrast=self.contrast,
            brightness=self.brightness,
        )

    def learning_rate_at(self, epoch: int, share: float) -> float:
        """The rate in this 0-based epoch, of whose steps ``share`` are done."""
        done = (epoch + share) / self.epochs
        if done < self.warmup:
            return self.learning_rate * max(done, 1e-3 * self.warmup) / self.warmup
        return self.learning_rate * max((1.0 - done) / (1.0 - self.warmup), 1e-3)


__all__ = ["ImageTrainingConfig"]
