"""preprocessing.toml of a wrapped model: its input preprocessing and the meaning of its outputs.

scale = 0.00392156862745098      # 1/255
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
fit = "crop"
gives = "logits"
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

from annotated_types import Ge, Interval, Unit

from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.runtime.manifest import ImageInput, Output, Probabilities
from hanji.runtime.manifest.classifier import LARGEST_SIDE
from hanji.runtime.manifest.types import MULTI_LABEL, VALUES
from hanji.training.errors import RecipeError
from hanji.training.settings import Positive

Gives = Literal["probabilities", "logits", "scores", "multi-label", "multi-label-logits", "values"]
_SOURCES = {
    "probabilities": "graph",
    "logits": "softmax",
    "scores": "none",
    "multi-label": "graph",
    "multi-label-logits": "graph",
    "values": "none",
}
OTHER_OUTPUTS = ("multi-label", "multi-label-logits", "values")
"""Of ``Gives``: those of outputs that are not the classes of one label per image."""

_DEFAULT_THRESHOLDS = (0.5,)

Item = TypeVar("Item", float, str)


@dataclass(frozen=True)
class WrapSettings(Preprocessing):
    """Preprocessing and output of a wrapped model; ValueError for values out of range."""

    channel_order: Literal["rgb", "bgr"] = "rgb"
    """Order of the channels that the model takes, and of the numbers in ``mean`` and ``std``: blue first
    under ``bgr``. The channels are reversed inside the bundle's file."""

    layout: Literal["", "channels-first", "channels-last"] = ""
    """Where the channels are in the input, if its shape does not tell."""

    channels: Literal[0, 1, 3] = 0
    """Number of channels, if the file does not tell; 0: the model's."""

    resize_height: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Height that images are fitted to before the centre is cut out, as by a resize to 256 and a crop of 224;
    0: the model's height."""

    resize_width: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Width that images are fitted to before the centre is cut out; 0: the model's width."""

    resample: Literal["bilinear"] = "bilinear"
    """Interpolation of the runtimes; to be written where ``config`` names another one, to accept this one."""

    config: str = ""
    """A ``preprocessor_config.json`` (transformers) or ``config.json`` (timm) with defaults for the other
    keys, as a path relative to this file."""

    output: str = ""
    """Name of the output with one value per class, if the model has several outputs that may be it."""

    gives: Gives = "probabilities"
    """Meaning of the outputs: ``logits`` become probabilities on the device, ``scores`` stay as they are. One
    probability or one logit per image is that of the second of two classes. ``multi-label``: one probability
    per label, independent of the others, or ``multi-label-logits``, which get a sigmoid; ``values``: numbers
    such as an age or coordinates, whose names are the labels."""

    thresholds: tuple[Annotated[float, Interval(ge=0.0, le=1.0)], ...] = _DEFAULT_THRESHOLDS
    """Of ``multi-label``: an image has the labels whose probability is at or above this. One number for all
    labels, a list with one for each, or the name of a file with one a line, or a JSON list."""

    units: tuple[str, ...] = ()
    """Of ``values``: a unit for each, such as ``["years", ""]``, or one for all; none if left out."""

    temperature: Positive = 1.0
    """Divisor of the logits before the softmax."""

    background: tuple[Annotated[int, Interval(ge=0, le=255)], ...] = (255, 255, 255)
    """Red, green and blue of transparent pixels and of padding."""

    licence: str = ""
    """Terms of the training data, as the model card should state them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature != 1.0 and self.gives != "logits":
            raise ValueError(f'temperature goes with gives = "logits", found it with {self.gives!r}')
        if self.thresholds != _DEFAULT_THRESHOLDS and not self.gives.startswith(MULTI_LABEL):
            raise ValueError(f'thresholds go with gives = "multi-label", found them with {self.gives!r}')
        if self.units and self.gives != VALUES:
            raise ValueError(f'units go with gives = "values", found them with {self.gives!r}')
        if (self.resize_height == 0) != (self.resize_width == 0):
            raise ValueError(
                f"expected resize_height and resize_width in pixels, found {self.resize_height} and "
                f"{self.resize_width}"
            )
        if len(self.background) != 3:
            raise ValueError(f"background: expected red, green and blue, found {list(self.background)}")

    @property
    def probabilities(self) -> Probabilities:
        """The manifest's ``probabilities``."""
        return Probabilities(_SOURCES[self.gives], self.temperature)

    def outputs_of(self, count: int, where: str) -> Output | None:
        """The manifest's ``output`` for ``count`` labels or values; RecipeError if there are not as many
        thresholds or units."""
        if self.has_one_label:
            return None
        if self.gives == VALUES:
            return Output(VALUES, units=_each("units", self.units or ("",), count, where))
        return Output(MULTI_LABEL, _each("thresholds", self.thresholds, count, where))

    @property
    def has_one_label(self) -> bool:
        """Whether the outputs are of classes that exclude one another."""
        return self.gives not in OTHER_OUTPUTS

    def names(self, values: int) -> int:
        """How many names a model with so many values per image has: two if one stands for two classes."""
        return 2 if values == 1 and self.has_one_label else values

    def image_for(self, size: tuple[int, int, int], *, takes_levels: bool, where: str) -> ImageInput:
        """The preprocessing for a model of this height, width and number of channels.

        Its size is that before the centre is cut out.

        ``mean`` and ``std`` are in the order of the model's channels; ``in_rgb`` reverses them. RecipeError
        if the settings specify a normalization for a model that takes levels, or BGR for a grey one.
        """
        image_input = self.image_input(*self._frame(size[0], size[1], where), size[2])
        if takes_levels and (self.scale, self.mean, self.std) != (1.0, (0.0,), (1.0,)):
            raise RecipeError(
                f"{where}: the model takes pixel values 0 to 255 (integers without a scale) and "
                "normalizes them itself; leave scale, mean and std out"
            )
        if self.is_bgr and size[2] != 3:
            raise RecipeError(
                f"{where}: channel_order: expected a model with 3 channels, found {size[2]}; leave it out"
            )
        normalized_by = "graph" if takes_levels else "runtime"
        return replace(image_input, normalized_by=normalized_by, background=self.background)

    def in_rgb(self, image_input: ImageInput) -> ImageInput:
        """``image_input`` with ``mean`` and ``std`` in RGB order, as the manifest has them."""
        if not self.is_bgr:
            return image_input
        return replace(image_input, mean=image_input.mean[::-1], std=image_input.std[::-1])

    @property
    def is_bgr(self) -> bool:
        """Whether the model takes blue first."""
        return self.channel_order == "bgr"

    def _frame(self, height: int, width: int, where: str) -> tuple[int, int]:
        """The size that images are prepared to; the file cuts ``height`` × ``width`` out of it."""
        frame = (self.resize_height or height, self.resize_width or width)
        if max(frame) > LARGEST_SIDE:
            raise RecipeError(
                f"{where}: expected an input of at most {LARGEST_SIDE} × {LARGEST_SIDE} pixels, found "
                f"{frame[0]} × {frame[1]}; export the model for a smaller one"
            )
        if frame[0] < height or frame[1] < width:
            raise RecipeError(
                f"{where}: resize_height and resize_width: expected at least {height} and {width}, the size "
                f"of the model's input, found {self.resize_height} and {self.resize_width}"
            )
        return frame

    def side(self, known: int | None, name: str, where: str) -> int:
        """The height or width in pixels; RecipeError if unknown or unlike ``known``, that of the file."""
        configured = int(getattr(self, name))
        if known is None and not configured:
            raise RecipeError(
                f"{where}: the model accepts any input size; set height and width in the preprocessing file"
            )
        if known is not None and configured not in (0, known):
            raise RecipeError(
                f"{where}: expected {name} = {known}, as the model requires, found {configured}; leave it out"
            )
        return known or configured


def _each(key: str, values: tuple[Item, ...], count: int, where: str) -> tuple[Item, ...]:
    """One value for each of ``count`` outputs; a single one is that of all."""
    if len(values) not in (1, count):
        raise RecipeError(
            f"{where}: {key}: expected one for all, or one for each of {count} outputs in the order of the "
            f"labels, found {len(values)}"
        )
    return values * count if len(values) == 1 else values


__all__ = ["OTHER_OUTPUTS", "Gives", "WrapSettings"]
