"""Preprocessing of the images for a model trained elsewhere: command-line options, or a TOML file.

    scale = 0.00392156862745098      # 1/255
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    fit = "crop"

The input of the model is (pixel × scale − mean) / std, with pixels from 0 to 255 and channels in RGB order.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from annotated_types import Ge, Unit
from numpy.typing import NDArray

from hanji.runtime.manifest import ImageInput
from hanji.training.errors import RecipeError
from hanji.training.settings import Positive, check_ranges, read_toml, settings_from

OPTIONS = ("scale", "mean", "std", "preprocessing", "size")


@dataclass(frozen=True)
class Preprocessing:
    """The input of a model trained elsewhere: (pixel × scale − mean) / std; ValueError for values out of
    range."""

    scale: Positive = 1.0
    """Factor of each pixel, applied first: 1/255 for models whose input is in [0, 1]."""

    mean: tuple[float, ...] = (0.0,)
    """Mean of each channel, or one number for all; subtracted second."""

    std: tuple[Positive, ...] = (1.0,)
    """Standard deviation of each channel, or one number for all; divided by last."""

    fit: Literal["crop", "stretch", "pad"] = "crop"
    """How an image of another aspect ratio is fitted."""

    height: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Height of the input, for a model without a fixed one; 0: the model's."""

    width: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Width of the input, for a model without a fixed one; 0: the model's."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.mean or not self.std:
            raise ValueError(
                f"mean and std: expected one number or more, found {list(self.mean)} and {list(self.std)}"
            )
        if (self.height == 0) != (self.width == 0):
            raise ValueError(f"expected height and width in pixels, found {self.height} and {self.width}")

    def applied(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The model's input float32 [n, h, w, c] for images uint8 [n, h, w, c]."""
        scaled = images.astype(np.float64) * self.scale
        return ((scaled - self.mean) / self.std).astype(np.float32)

    def image_input(self, height: int, width: int, channels: int) -> ImageInput:
        """As an ImageInput for images of this size; RecipeError if mean or std do not match ``channels``."""
        mean, std = (_by_channel(name, getattr(self, name), channels) for name in ("mean", "std"))
        return ImageInput(
            height=height,
            width=width,
            channels=channels,
            fit=self.fit,
            mean=tuple(_short(value / self.scale) for value in mean),
            std=tuple(_short(value / self.scale) for value in std),
            normalized_by="graph",
        )


Settings = TypeVar("Settings", bound=Preprocessing)


def add_preprocessing_options(parser: argparse.ArgumentParser) -> None:
    """Declare --scale, --mean, --std, --size and --preprocessing."""
    group = parser.add_argument_group(
        "preprocessing for a model trained elsewhere",
        "input = (pixel × scale − mean) / std, pixels from 0 to 255; one number, or one per channel (RGB)",
    )
    group.add_argument("--scale", metavar="NUMBER", help="such as 1/255; 1 for a model with its own scaling")
    group.add_argument("--mean", metavar="NUMBERS", help="such as 0.485,0.456,0.406; default 0")
    group.add_argument("--std", metavar="NUMBERS", help="such as 0.229,0.224,0.225; default 1")
    group.add_argument("--size", metavar="HxW", help="in pixels, for a model without a fixed input size")
    group.add_argument("--preprocessing", type=Path, metavar="FILE", help="all of these in a TOML file")


def preprocessing_of(
    args: argparse.Namespace, kind: type[Settings], read: Callable[[Path], Settings] | None = None
) -> Settings:
    """The preprocessing given by the options; RecipeError if they are missing, conflicting or invalid.

    ``read`` reads the file of --preprocessing, without it TOML with the keys of ``kind``.
    """
    given = {name: getattr(args, name) for name in ("scale", "mean", "std", "size") if getattr(args, name)}
    if args.preprocessing and given:
        raise RecipeError(
            "--preprocessing: expected no other preprocessing option, found "
            f"{', '.join(f'--{name}' for name in given)}; leave them out"
        )
    if args.preprocessing:
        path = args.preprocessing
        return read(path) if read else settings_from(kind, read_toml(path), str(path))
    if not set(given) - {"size"}:
        raise RecipeError(
            "expected the scaling of the model's input, found none: --scale 1/255 for 0 to 1, --mean 127.5 "
            "--std 127.5 for −1 to 1, --scale 1 for a model with its own scaling, or a --preprocessing file"
        )
    table: dict[str, object] = {}
    for name in ("mean", "std"):
        if name in given:
            table[name] = [_number(text, f"--{name}") for text in given[name].split(",")]
    if "scale" in given:
        table["scale"] = _number(given["scale"], "--scale")
    if "size" in given:
        table["height"], table["width"] = _size(given["size"])
    return settings_from(kind, table, "options")


def _number(text: str, where: str) -> float:
    """A number, or a fraction such as 1/255."""
    above, _, below = text.partition("/")
    try:
        return float(above) / float(below or 1.0)
    except (ValueError, ZeroDivisionError):
        raise RecipeError(f"{where}: expected a number or a fraction such as 1/255, found {text!r}") from None


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise RecipeError(f"--size: expected height x width in pixels, such as 96x96, found {text!r}")
    return int(sides[0]), int(sides[1])


def _by_channel(name: str, values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise RecipeError(
            f"{name}: expected one number, or one for each of {channels} channels, found {values}"
        )
    return values * channels if len(values) == 1 else values


def _short(value: float) -> float:
    return float(f"{value:.9g}")


__all__ = ["OPTIONS", "Preprocessing", "add_preprocessing_options", "preprocessing_of"]
