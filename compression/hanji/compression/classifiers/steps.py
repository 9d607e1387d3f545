"""The steps of an image recipe, one frozen dataclass each.

They hold only the options; distil.py, channels.py, magnitude.py, clustering.py and quantize.py implement
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Unit

from hanji.compression.recipe_base import Share, Sparsity
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.settings import Count, Positive, check_ranges

ImageScheme = Literal["float32", "float16", "int8-weights", "dynamic", "int8", "int8-qat", "int16x8"]
"""The number format of an exported artifact. ``int8`` gets its ranges from calibration images, ``int8-qat``
from training; the formats of the files are the same."""

CALIBRATED: tuple[ImageScheme, ...] = ("int8", "int16x8")
"""The schemes whose activation ranges come from calibration images."""


@dataclass(frozen=True)
class ImageDistil:
    """Train a smaller network on the teacher's outputs for each image (Hinton et al. 2015)."""

    model: ImageModelConfig | None = None
    """The student, a table as ``[model]``; without it, the architecture of the full model with new
    weights."""

    teacher_weight: Share = 0.9
    """Weight of the teacher's probabilities in the loss; the rest is the weight of the labels."""

    temperature: Positive = 2.0
    """Temperature of both softmaxes: a higher one gives more weight to the teacher's unlikely classes."""

    feature_weight: Annotated[float, Ge(0.0)] = 0.0
    """Weight of the squared difference between the teacher's features and a linear projection of the
    student's, relative to that loss (Romero et al. 2015); the projection is discarded afterwards."""

    feature_layer: str = ""
    """Name of the layer of both networks whose output is compared; empty: the input of the last Dense
    layer."""

    views: Annotated[Count, Unit("copies")] = 8
    """Augmented copies of the training set for which the teacher's outputs are computed, once each; the
    epochs cycle through them."""

    epochs: Annotated[Count, Unit("epochs")] = 30
    """Epochs of the student's training at most."""

    learning_rate: Positive | None = None
    """Peak learning rate, with the schedule of ``[training]``; default: its ``learning_rate``."""

    optimizer: Literal["sgd", "adam"] | None = None
    """Default: the optimizer of ``[training]``; ``adam`` takes depthwise convolutions further in the same
    time."""

    batch_size: Annotated[Count, Unit("images")] | None = None
    """Images per step; default: that of ``[training]``."""

    weight_decay: Annotated[float, Ge(0.0)] | None = None
    """Default: the weight decay of ``[training]``; small networks need less."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """As in ``[training]``; depthwise convolutions gain nothing from ``bfloat16``."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.feature_layer and not self.feature_weight:
            raise ValueError(f"feature_layer {self.feature_layer!r} has no effect without a feature_weight")


@dataclass(frozen=True)
class PruneChannels:
    """Remove whole channels, so that the file and the computation get smaller (Li et al. 2017)."""

    keep: Sparsity = 0.5
    """Fraction of the channels of each prunable layer that stays: half is 0.5."""

    criterion: Literal["bn-scale", "l1"] = "bn-scale"
    """How channels are ranked: by the scale of their batch normalization (Liu et al. 2017) or by the sum of
    the absolute weights of their kernel."""

    teacher_weight: Share = 0.7
    """Weight in the loss of the network before pruning, or of the teacher of a ``distil`` step before; the
    rest is the weight of the labels."""

    temperature: Positive = 2.0
    """Temperature of both softmaxes in that loss, as in ``distil``."""

    views: Annotated[Count, Unit("copies")] = 4
    """Augmented copies of the training set for which the teacher's outputs are computed, as in ``distil``."""

    epochs: Annotated[Count, Unit("epochs")] = 10
    """Epochs of the retraining at most."""

    learning_rate: Positive | None = None
    """Peak learning rate of the retraining, with the schedule of ``[training]``; default: its
    ``learning_rate``. A high one works better than a low one (Le and Hua 2021)."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class ImagePrune:
    """Set the smallest weights to zero, with a sparsity that grows step by step (Zhu and Gupta 2017)."""

    sparsity: Sparsity = 0.5
    """Fraction of each pruned kernel that is zero at the end: 80 % is 0.8."""

    layers: Literal["all", "1x1"] = "all"
    """``all``: convolutions and hidden Dense layers. ``1x1``: only the 1×1 convolutions, for which ARM has
    sparse kernels. Depthwise kernels, the stem and the head stay dense: they have few weights, each of which
    matters."""

    sparse_storage: bool = False
    """Store the zeros as sparse tensors, which LiteRT on ARM computes faster where the network has the shape
    for it (``sparse_friendly`` in ``[model]``). For float32 only: no quantize step may follow."""

    epochs: Annotated[Count, Unit("epochs")] = 8
    """Epochs of the training in which the sparsity grows."""

    learning_rate: Positive = 0.003
    """Adam's initial learning rate; it decays to zero."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class ClusterWeights:
    """Weight clustering: the weights of each kernel share a few values, which compress well (Han et al.
    2016)."""

    clusters: Annotated[int, Ge(2), Unit("centroids")] = 16
    """Distinct values in each clustered kernel."""

    epochs: Annotated[Count, Unit("epochs")] = 4
    """Epochs of fine-tuning."""

    learning_rate: Positive = 0.0002
    """Adam's initial learning rate; it decays to zero."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class ImageQuantize:
    """Store and compute with fewer bits (Jacob et al. 2018 for the integer schemes)."""

    scheme: Literal["float16", "int8-weights", "dynamic", "int8", "int8-qat", "int16x8"] = "int8"
    """``float16``: half-precision weights. ``int8-weights``: int8 weights that are dequantized before use,
    for ``.onnx`` and ``.tflite`` files only: small and nearly exact, not faster. ``dynamic``: int8 weights,
    float activations. ``int8``: int8 weights, per channel, and activations with ranges from calibration.
    ``int8-qat``: the same after quantization-aware training. ``int16x8``: int8 weights, int16 activations."""

    calibration_images: Annotated[Count, Unit("images")] = 500
    """Training images that set the activation ranges (``int8``, ``int16x8``)."""

    epochs: Annotated[Count, Unit("epochs")] = 5
    """Epochs of quantization-aware training (``int8-qat``)."""

    learning_rate: Positive = 0.0002
    """Adam's initial learning rate in quantization-aware training; it decays to zero."""

    float_layers: tuple[str, ...] = ()
    """Names of layers that stay in float (``int8``, ``int8-qat``), such as those that
    ``hanji debug-quantization`` ranks worst."""

    renamed_keys: ClassVar = {"calibration_pictures": "calibration_images"}

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.float_layers and self.scheme not in ("int8", "int8-qat"):
            raise ValueError(f"float_layers go with int8 and int8-qat, found them with {self.scheme}")


ImageStep = ImageDistil | PruneChannels | ImagePrune | ClusterWeights | ImageQuantize
