"""preprocessing.toml of a wrapped model: what it takes for a pixel, and what it gives.

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

_SUM = 0.05  # by which probabilities of 8 bits may miss 1 in all
_IN_WORDS = {"probabilities": "graph", "logits": "softmax", "scores": "none"}


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
        """What becomes of a picture for a model with this input; ``size`` is its height, width and channels.

        RecipeError where the settings say another size, or normalize for a model that takes levels.
        """
        height, width = (
            self._side(known, name, where) for known, name in zip(size, ("height", "width"), strict=False)
        )
        image_input = self.image_input(height, width, int(size[2] or 0))
        levels = tensor.dtype in ("uint8", "int32") and tensor.scale is None
        if levels and (self.scale, self.mean, self.std) != (1.0, (0.0,), (1.0,)):
            raise RecipeError(
                f"{where}: takes levels of 0 to 255 ({tensor.dtype} without a scale), so that whatever "
                "normalizes them lies in the model; leave scale, mean and std out"
            )
        normalized_by = "graph" if levels else "runtime"
        return replace(image_input, normalized_by=normalized_by, background=self.background)

    def probabilities_for(self, outputs: npt.NDArray[np.float32], path: Path) -> Probabilities:
        """What the manifest says of ``outputs`` [n, classes]; RecipeError where they are something else."""
        sums = outputs.astype(np.float64).sum(axis=1)
        are = bool((outputs >= 0.0).all() and np.abs(sums - 1.0).max() < _SUM)
        if self.gives == "probabilities" and not are:
            raise RecipeError(
                f"{path}: expected probabilities, found outputs from {outputs.min():.3g} to "
                f"{outputs.max():.3g} that sum up to {sums.min():.3g} to {sums.max():.3g}; say "
                'gives = "logits" in the preprocessing file if a softmax makes them probabilities, '
                'gives = "scores" if nothing does'
            )
        if self.gives == "logits" and are:
            raise RecipeError(
                f"{path}: expected logits, found outputs that are probabilities already; leave gives out"
            )
        return Probabilities(_IN_WORDS[self.gives], self.temperature)

    def _side(self, known: int | None, name: str, where: str) -> int:
        asked = int(getattr(self, name))
        if known is None and not asked:
            raise RecipeError(
                f"{where}: takes pictures of any size; say which as height and width in the preprocessing "
                "file"
            )
        if known is not None and asked not in (0, known):
            raise RecipeError(
                f"{where}: takes pictures with a {name} of {known}, found {name} = {asked}; leave it out"
            )
        return known or asked


__all__ = ["WrapSettings"]
