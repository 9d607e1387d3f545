"""How an image classifier is trained, whatever its architecture: the ``[training]`` table of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Unit

from hanji.training.classifiers.augmentation import Augmentation
from hanji.training.settings import Count, Fraction, Positive, check_ranges


@dataclass(frozen=True)
class ImageTrainingConfig:
    """Options of the training of a classifier; raises ValueError for values out of range."""

    epochs: Annotated[Count, Unit("epochs")] = 30
    """Passes over the training images at most, each augmented anew."""

    batch_size: Annotated[Count, Unit("images")] = 128
    """Images per step."""

    optimizer: Literal["sgd", "adam"] = "sgd"
    """``sgd`` with Nesterov momentum of 0.9, or Adam."""

    learning_rate: Positive = 0.1
    """Peak learning rate: it rises linearly during warm-up, then decays linearly to zero."""

    warmup: Annotated[Fraction, Unit("of all steps")] = 0.2
    """Fraction of the steps in which the learning rate rises."""

    weight_decay: Annotated[float, Ge(0.0)] = 0.005
    """Decoupled weight decay of every kernel, times the learning rate (Loshchilov and Hutter 2019)."""

    label_smoothing: Fraction = 0.0
    """Share of a label's probability that is spread over all classes (Szegedy et al. 2016)."""

    class_weight_power: Annotated[float, Ge(0.0)] = 0.0
    """Weight of a class in the loss: its inverse frequency to this power. 0 weights images equally, 1
    classes."""

    patience: Annotated[Count, Unit("epochs")] = 10
    """Epochs without a better validation accuracy before training stops."""

    average_decay: Fraction = 0.0
    """Decay per step of a moving average of the weights, which is validated and kept; 0 keeps the weights
    themselves, which a learning rate that decays to zero has settled anyway."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the arithmetic in training; weights stay float32. ``bfloat16`` is about twice as fast on
    processors with instructions for it (AMX, AVX-512 BF16), for ordinary convolutions; else slower."""

    shift: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Largest random translation in each direction."""

    flip: bool = False
    """Mirror half of the images horizontally; leave it off where left and right have a meaning."""

    cutout: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Side of a square that is blanked out at a random position (DeVries and Taylor 2017)."""

    contrast: Fraction = 0.0
    """Largest relative change of the contrast."""

    brightness: Annotated[Fraction, Unit("of the full range")] = 0.0
    """Largest change of the brightness."""

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def augmentation(self) -> Augmentation:
        """The augmentation of each training image."""
        return Augmentation(
            shift=self.shift,
            flip=self.flip,
            cutout=self.cutout,
            contrast=self.contrast,
            brightness=self.brightness,
        )

    def learning_rate_at(self, epoch: int, share: float) -> float:
        """The learning rate in a 0-based epoch after the fraction ``share`` of its steps."""
        done = (epoch + share) / self.epochs
        if done < self.warmup:
            return self.learning_rate * max(done, 1e-3 * self.warmup) / self.warmup
        return self.learning_rate * max((1.0 - done) / (1.0 - self.warmup), 1e-3)


__all__ = ["ImageTrainingConfig"]
