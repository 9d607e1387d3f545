"""The architecture of an image classifier: the ``[model]`` table of a recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Interval, Unit

from hanji.training.settings import Count, Fraction, check_ranges

ImageModelType = Literal["cnn", "mobilenet-v1", "mobilenet-v2", "shufflenet"]
Activation = Literal["relu", "relu6", "hard-swish"]


class Stage(NamedTuple):
    """Blocks with the same number of output channels; the first of them has the stride."""

    channels: int
    blocks: int
    stride: int


class _Shape(NamedTuple):
    """The configuration of a family in its paper, at width 1."""

    stem_channels: int
    stem_stride: int
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    strides: tuple[int, ...]
    last_channels: int


_PAPERS: dict[str, _Shape] = {
    "cnn": _Shape(0, 1, (64, 128, 256), (2, 2, 2), (2, 2, 2), 0),
    "mobilenet-v1": _Shape(32, 2, (64, 128, 256, 512, 1024), (1, 2, 2, 6, 2), (1, 2, 2, 2, 2), 0),
    "mobilenet-v2": _Shape(
        32, 2, (16, 24, 32, 64, 96, 160, 320), (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1), 1280
    ),
    "shufflenet": _Shape(24, 4, (), (4, 8, 4), (2, 2, 2), 0),
}
_SHUFFLENET_CHANNELS = {
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}
"""Output channels of ShuffleNet's stages, by groups (Zhang et al. 2017, table 1)."""


@dataclass(frozen=True)
class ImageModelConfig:
    """The architecture of a classifier, independent of the image size and of training; raises ValueError for
    invalid combinations."""

    type: ImageModelType = "mobilenet-v1"
    """``mobilenet-v1``: depthwise separable convolutions (Howard et al. 2017). ``mobilenet-v2``: inverted
    residual bottlenecks (Sandler et al. 2018). ``shufflenet``: group convolutions and channel shuffle (Zhang
    et al. 2017). ``cnn``: ordinary 3×3 convolutions, as a baseline or a teacher."""

    width_multiplier: Annotated[float, Interval(gt=0.0, le=8.0)] = 1.0
    """Factor of every channel count, rounded to a multiple of 8 (ShuffleNet: of what its groups need)."""

    stem_channels: Annotated[int, Ge(0), Unit("channels")] = 0
    """Channels of the first convolution; 0: the paper's (32, 32, 24), half of the first stage in a cnn."""

    stem_stride: Annotated[int, Ge(0)] = 0
    """Stride of the stem: 1 or 2, in a shufflenet also 4 (including its max pooling); 0: the paper's
    (2, 2, 4), 1 in a cnn."""

    channels: tuple[Annotated[Count, Unit("channels")], ...] = ()
    """Output channels of each stage; empty: the paper's table."""

    blocks: tuple[Annotated[Count, Unit("blocks")], ...] = ()
    """Blocks in each stage; empty: the paper's table."""

    strides: tuple[Annotated[int, Interval(ge=1, le=2)], ...] = ()
    """Stride of the first block of each stage; empty: the paper's table."""

    last_channels: Annotated[int, Ge(0), Unit("channels")] | None = None
    """Channels of a 1×1 convolution before the global pooling, 0 for none; default: the paper's (1280 in
    mobilenet-v2, which a width below 1 does not reduce; none in the others)."""

    kernel_size: Annotated[int, Ge(3), Unit("pixels")] = 3
    """Kernel size of the depthwise convolutions; odd."""

    expansion: Count = 6
    """Expansion factor of the bottlenecks of mobilenet-v2; 1 in its first stage, as in the paper."""

    groups: Annotated[Count, Unit("groups")] = 3
    """Groups of the 1×1 convolutions of shufflenet."""

    residual: bool = False
    """Residual connections where the shapes of a block's input and output agree (``mobilenet-v1``,
    ``cnn``)."""

    activation: Activation = "relu"
    """Activation function. ``relu6`` is that of the MobileNets, ``hard-swish`` that of MobileNetV3
    (Howard et al. 2019)."""

    dropout: Fraction = 0.0
    """Fraction of features dropped before the classification head."""

    sparse_friendly: bool = False
    """MobileNets: the exact shape for which XNNPACK has sparse kernels on ARM: three input channels (a
    grey image is repeated), and explicit zero padding before each strided convolution."""

    mirrored: bool = False
    """Average the logits of an image and of its mirror image: twice the work, for a teacher. It is trained
    on one at a time, so that training costs no more."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size: expected an odd number, found {self.kernel_size}")
        self._check_family()
        if self.type == "shufflenet" and not self._channels():
            known = ", ".join(map(str, _SHUFFLENET_CHANNELS))
            raise ValueError(
                f"channels: the paper has none for {self.groups} groups, only for {known}; set channels"
            )
        stages = {"channels": self._channels(), "blocks": self._blocks(), "strides": self._strides()}
        if len({len(table) for table in stages.values()}) > 1:
            found = ", ".join(f"{len(table)} {name}" for name, table in stages.items())
            raise ValueError(
                f"channels, blocks and strides: expected one entry per stage in each of them, found {found} "
                f"(those not set are the paper's)"
            )
        if self.type == "shufflenet":
            self._check_groups()

    @property
    def stem(self) -> Stage:
        """The first convolution, with the width multiplier applied."""
        paper = _PAPERS[self.type]
        channels = self.stem_channels or paper.stem_channels or self._channels()[0] // 2
        unit = math.lcm(4, self.groups) if self.type == "shufflenet" else 8
        return Stage(self._scaled(channels, unit), 1, self.stem_stride or paper.stem_stride)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages between stem and pooling, with the width multiplier applied."""
        unit = 4 * self.groups if self.type == "shufflenet" else 8
        channels = (self._scaled(count, unit) for count in self._channels())
        return tuple(Stage(*row) for row in zip(channels, self._blocks(), self._strides(), strict=True))

    @property
    def last(self) -> int:
        """Channels of the last 1×1 convolution, 0 if there is none."""
        if self.last_channels is not None:
            return self._scaled(self.last_channels, 8) if self.last_channels else 0
        paper = _PAPERS[self.type].last_channels
        return max(paper, self._scaled(paper, 8)) if paper else 0

    def _channels(self) -> tuple[int, ...]:
        paper = _SHUFFLENET_CHANNELS.get(self.groups, ()) if self.type == "shufflenet" else None
        return self.channels or (_PAPERS[self.type].channels if paper is None else paper)

    def _blocks(self) -> tuple[int, ...]:
        return self.blocks or _PAPERS[self.type].blocks

    def _strides(self) -> tuple[int, ...]:
        return self.strides or _PAPERS[self.type].strides

    def _scaled(self, channels: int, unit: int) -> int:
        """MobileNet's rounding: to the nearest multiple, but never down by more than 10 %."""
        if self.width_multiplier == 1.0:
            return channels
        wanted = channels * self.width_multiplier
        rounded = max(unit, int(wanted + unit / 2) // unit * unit)
        return rounded if rounded >= 0.9 * wanted else rounded + unit

    def _check_family(self) -> None:
        allowed = (1, 2, 4) if self.type == "shufflenet" else (1, 2)
        if self.stem_stride and self.stem_stride not in allowed:
            raise ValueError(
                f"stem_stride: expected one of {allowed} for a {self.type}, found {self.stem_stride}"
            )
        if self.residual and self.type not in ("mobilenet-v1", "cnn"):
            raise ValueError(
                f"residual: only for mobilenet-v1 and cnn; a {self.type} always has residual connections"
            )
        if self.sparse_friendly and self.type not in ("mobilenet-v1", "mobilenet-v2"):
            raise ValueError(f"sparse_friendly: for MobileNets only, found a {self.type}")
        if self.sparse_friendly and (self.stem.stride != 2 or self.kernel_size > 5):
            raise ValueError(
                "sparse_friendly: needs stem_stride 2 and a kernel_size of 3 or 5, "
                f"found {self.stem.stride} and {self.kernel_size}"
            )

    def _check_groups(self) -> None:
        counts = [stage.channels for stage in self.stages]
        unit = 4 * self.groups
        if any(count % unit for count in counts):
            raise ValueError(
                f"channels: expected multiples of {unit} with {self.groups} groups, found {counts}"
            )
        if self.stem.channels % self.groups:
            raise ValueError(
                f"stem_channels: expected a multiple of {self.groups} with {self.groups} groups, "
                f"found {self.stem.channels}"
            )
        before = self.stem.channels
        for stage in self.stages:
            if stage.channels < before or (stage.channels == before and stage.stride > 1):
                raise ValueError(
                    "channels: expected each stage of a shufflenet to have more channels than the one before "
                    f"(with stride 1 at least as many), found {self.stem.channels} in the stem and {counts}"
                )
            before = stage.channels


__all__ = ["Activation", "ImageModelConfig", "ImageModelType", "Stage"]
