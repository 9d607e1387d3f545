"""The steps that a picture recipe is made of, one frozen dataclass each.

A step says what to do and nothing about how: distil.py, channels.py, prune.py, cluster.py and quantize.py
know how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from hanji.compression.recipe_base import check_training
from hanji.training.classifiers.models.config import ImageModelConfig

ImageScheme = Literal["float32", "float16", "dynamic", "int8", "int8-qat", "int16x8"]
"""What an exported artifact holds. ``int8`` takes its ranges from calibration pictures, ``int8-qat`` from
training; the files hold the same kinds of numbers."""


@dataclass(frozen=True)
class ImageDistil:
    """Train a smaller network on what the full one says of each picture (Hinton et al. 2015)."""

    model: ImageModelConfig | None = None
    """The student, a table as under ``[model]``; without it, the full model's own shape from new weights."""

    teacher_weight: float = 0.9
    """Share of the loss that follows the teacher's probabilities; the rest follows the labels."""

    temperature: float = 2.0
    """Of both softmaxes where the student follows the teacher: higher makes what the teacher says of the
    unlikely classes count for more."""

    feature_weight: float = 0.0
    """How much the squared difference between the teacher's features and a linear projection of the
    student's counts beside that (Romero et al. 2015); the projection is thrown away afterwards."""

    feature_layer: str = ""
    """The layer of both networks whose output is followed, by name; empty: what goes into the last Dense."""

    views: int = 8
    """How many augmented copies of the training set the teacher is asked about, once each; the epochs go
    round them."""

    epochs: int = 30

    learning_rate: float | None = None
    """The highest; the rate rises and falls as under ``[training]``, whose own rate it is where none is
    given."""

    optimizer: Literal["sgd", "adam"] | None = None
    """As under ``[training]``, whose own it is where none is given; ``adam`` takes depthwise convolutions
    further in the same time."""

    batch_size: int | None = None
    """As under ``[training]``, whose own it is where none is given."""

    weight_decay: float | None = None
    """As under ``[training]``, whose own it is where none is given; small networks want less."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """As under ``[training]``; depthwise convolutions gain nothing from ``bfloat16``."""

    def __post_init__(self) -> None:
        _check_teaching(self.teacher_weight, self.temperature, self.views)
        if self.feature_weight < 0.0:
            raise ValueError(f"feature_weight must not be negative, found {self.feature_weight}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, found {self.batch_size}")
        if self.feature_layer and not self.feature_weight:
            raise ValueError(f"feature_layer {self.feature_layer!r} has no effect without a feature_weight")
        check_training(self.epochs, 1.0 if self.learning_rate is None else self.learning_rate)


@dataclass(frozen=True)
class PruneChannels:
    """Take whole channels out, so that the file and the work get smaller (Li et al. 2017)."""

    keep: float = 0.5
    """Fraction of each prunable layer's channels that stays."""

    criterion: Literal["bn-scale", "l1"] = "bn-scale"
    """What makes a channel worth keeping: the size of its batch normalization's scale (Liu et al. 2017) or
    the sum of its kernel's absolute weights."""

    teacher_weight: float = 0.7
    """Share of the loss that follows the network as it was before; the rest follows the labels. A recipe
    that distils goes on following that step's teacher instead."""

    temperature: float = 2.0
    """Of both softmaxes in that; see ImageDistil."""

    views: int = 4
    """Augmented copies of the training set that the network is asked about before; see ImageDistil."""

    epochs: int = 10

    learning_rate: float | None = None
    """As in ImageDistil: the remaining channels are retrained, for which a high rate works better than a low
    one (Le and Hua 2021)."""

    def __post_init__(self) -> None:
        if not 0.0 < self.keep < 1.0:
            raise ValueError(f"keep is a fraction between 0 and 1 (half is 0.5), found {self.keep}")
        _check_teaching(self.teacher_weight, self.temperature, self.views)
        check_training(self.epochs, 1.0 if self.learning_rate is None else self.learning_rate)


@dataclass(frozen=True)
class ImagePrune:
    """Set the smallest weights to zero, a few more at each step (Zhu and Gupta 2017)."""

    sparsity: float = 0.5
    """Fraction of each pruned kernel that ends as zero."""

    layers: Literal["all", "1x1"] = "all"
    """``all``: convolutions and hidden Dense layers. ``1x1``: the 1×1 convolutions alone, which are what
    sparse kernels on ARM run. Depthwise kernels, the stem and the head stay dense: they are few weights,
    each of which counts."""

    sparse_storage: bool = False
    """Store the zeros as sparse tensors, which LiteRT on ARM computes faster where the network has the shape
    for it (``sparse_friendly`` under ``[model]``). For float32 only: no quantize step may follow."""

    epochs: int = 8
    learning_rate: float = 0.003
    """Adam's, at first; it falls to zero."""

    def __post_init__(self) -> None:
        if not 0.0 < self.sparsity < 1.0:
            raise ValueError(f"sparsity is a fraction between 0 and 1 (80 % is 0.8), found {self.sparsity}")
        check_training(self.epochs, self.learning_rate)


@dataclass(frozen=True)
class ClusterWeights:
    """Let the weights of each kernel share a few values, which compress well (Han et al. 2016)."""

    clusters: int = 16
    """Different values that a clustered kernel may hold."""

    epochs: int = 4
    learning_rate: float = 0.0002
    """Adam's, at first; it falls to zero."""

    def __post_init__(self) -> None:
        if self.clusters < 2:
            raise ValueError(f"clusters must be at least 2, found {self.clusters}")
        check_training(self.epochs, self.learning_rate)


@dataclass(frozen=True)
class ImageQuantize:
    """Store and compute with fewer bits (Jacob et al. 2018 for the integer schemes)."""

    scheme: Literal["float16", "dynamic", "int8", "int8-qat", "int16x8"] = "int8"
    """``float16``: half-precision weights. ``dynamic``: int8 weights, float activations. ``int8``: int8
    weights, per channel, and activations with ranges from calibration pictures. ``int8-qat``: the same,
    trained with the rounding in the loop. ``int16x8``: int8 weights, int16 activations."""

    calibration_images: int = 500
    """Training pictures that set the activation ranges (``int8``, ``int16x8``)."""

    epochs: int = 5
    """Of quantization-aware training (``int8-qat``)."""

    learning_rate: float = 0.0002
    """Adam's, at first; it falls to zero."""

    float_layers: tuple[str, ...] = ()
    """Layers that stay in float (``int8``, ``int8-qat``), by name, such as those that
    `hanji debug-quantization` finds worst."""

    renamed_keys: ClassVar = {"calibration_pictures": "calibration_images"}

    def __post_init__(self) -> None:
        if self.calibration_images < 1:
            raise ValueError(f"calibration_images must be at least 1, found {self.calibration_images}")
        if self.float_layers and self.scheme not in ("int8", "int8-qat"):
            raise ValueError(f"float_layers go with int8 and int8-qat, found them with {self.scheme}")
        check_training(self.epochs, self.learning_rate)


ImageStep = ImageDistil | PruneChannels | ImagePrune | ClusterWeights | ImageQuantize


def _check_teaching(teacher_weight: float, temperature: float, views: int) -> None:
    if not 0.0 <= teacher_weight <= 1.0:
        raise ValueError(f"teacher_weight is a fraction from 0 to 1, found {teacher_weight}")
    if temperature <= 0.0:
        raise ValueError(f"temperature must be positive, found {temperature}")
    if views < 1:
        raise ValueError(f"views must be at least 1, found {views}")
