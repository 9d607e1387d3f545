"""preprocessing.toml of a wrapped model: its input preprocessing and the meaning of its outputs.

scale = 0.00392156862745098      # 1/255
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
fit = "crop"
gives = "logits"
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Interval

from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.runtime.manifest import ImageInput, Probabilities, Tensor
from hanji.training.errors import RecipeError
from hanji.training.settings import Positive

_SUM_TOLERANCE = 0.05  # of the sum of int8 probabilities, due to rounding
_SOURCES = {"probabilities": "graph", "logits": "softmax", "scores": "none"}


@dataclass(frozen=True)
class WrapSettings(Preprocessing):
    """Preprocessing and output of a wrapped model; ValueError for values out of range."""

    gives: Literal["probabilities", "logits", "scores"] = "probabilities"
    """Meaning of the outputs: ``logits`` become probabilities on the device, ``scores`` stay as they are."""

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
        if len(self.background) != 3:
            raise ValueError(f"background: expected red, green and blue, found {list(self.background)}")

    def image_for(self, tensor: Tensor, size: tuple[int | None, ...], where: str) -> ImageInput:
        """The preprocessing for a model with the input ``tensor``; ``size`` is height, width and channels.

        RecipeError if the settings specify another size, or a normalization for a model that takes
        unnormalized pixel values.
        """
        height, width = (
            self._side(known, name, where) for known, name in zip(size, ("height", "width"), strict=False)
        )
        image_input = self.image_input(height, width, int(size[2] or 0))
        takes_pixels = tensor.dtype in ("uint8", "int32") and tensor.scale is None
        if takes_pixels and (self.scale, self.mean, self.std) != (1.0, (0.0,), (1.0,)):
            raise RecipeError(
                f"{where}: the model takes pixel values 0 to 255 ({tensor.dtype} without a scale) and "
                "normalizes them itself; leave scale, mean and std out"
            )
        normalized_by = "graph" if takes_pixels else "runtime"
        return replace(image_input, normalized_by=normalized_by, background=self.background)

    def probabilities_for(self, outputs: npt.NDArray[np.float32], path: Path) -> Probabilities:
        """The manifest's ``probabilities``; RecipeError if ``outputs`` [n, classes] contradict ``gives``."""
        sums = outputs.astype(np.float64).sum(axis=1)
        are_probabilities = bool((outputs >= 0.0).all() and np.abs(sums - 1.0).max() < _SUM_TOLERANCE)
        if self.gives == "probabilities" and not are_probabilities:
            raise RecipeError(
                f"{path}: expected probabilities, found outputs from {outputs.min():.3g} to "
                f"{outputs.max():.3g} with sums from {sums.min():.3g} to {sums.max():.3g}; set "
                'gives = "logits" in the preprocessing file if they need a softmax, gives = "scores" if they '
                "are not probabilities at all"
            )
        if self.gives == "logits" and are_probabilities:
            raise RecipeError(
                f"{path}: expected logits, found outputs that are probabilities; leave gives out"
            )
        return Probabilities(_SOURCES[self.gives], self.temperature)

    def _side(self, known: int | None, name: str, where: str) -> int:
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


__all__ = ["WrapSettings"]
