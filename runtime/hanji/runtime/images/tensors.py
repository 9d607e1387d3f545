"""Between levels of 0 to 255 and what a model takes, and between what it gives and probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hanji.runtime.manifest import ImageInput, Probabilities, Tensor


class ImageTensor:
    """Turns prepared pictures into the tensor that a model takes.

    Where the graph normalizes, levels go in as they are. Else every level of every channel has its number,
    computed once in doubles: x = (level - mean) / std, for float32 rounded to it, for uint8 and int8
    round(x / scale) + zero_point (halves to the even neighbour) within the range of the dtype.
    """

    def __init__(self, image_input: ImageInput, tensor: Tensor) -> None:
        self._dtype = np.dtype(tensor.dtype)
        self._numbers = None if image_input.normalized_by == "graph" else _numbers(image_input, tensor)

    def of(self, levels: NDArray[np.uint8]) -> NDArray[Any]:
        """The tensor for ``levels`` (uint8 [1, height, width, channels]), of the same shape."""
        if self._numbers is None:
            return levels.astype(self._dtype, copy=False)
        tensor = np.empty(levels.shape, self._dtype)
        for channel, numbers in enumerate(self._numbers):
            tensor[..., channel] = numbers[levels[..., channel]]
        return tensor


def _numbers(image_input: ImageInput, tensor: Tensor) -> NDArray[Any]:
    """The number of each level of each channel, [channels, 256]."""
    mean, std = (np.array(values)[:, None] for values in (image_input.mean, image_input.std))
    return quantized((np.arange(256) - mean) / std, tensor)


def quantized(values: NDArray[np.float64], tensor: Tensor) -> NDArray[Any]:
    """Real numbers as the dtype of ``tensor`` holds them."""
    if tensor.dtype == "float32" or tensor.scale is None or tensor.zero_point is None:
        return values.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(values / tensor.scale) + tensor.zero_point
    return steps.clip(limits.min, limits.max).astype(tensor.dtype)


def dequantized(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    """What numbers of the dtype of ``tensor`` stand for: (value - zero_point) · scale."""
    if tensor.dtype == "float32" or tensor.scale is None or tensor.zero_point is None:
        return values.astype(np.float32, copy=False)
    return ((values.astype(np.float64) - tensor.zero_point) * tensor.scale).astype(np.float32)


def probabilities_of(outputs: NDArray[np.float32], rule: Probabilities) -> NDArray[np.float32]:
    """Probabilities, float32 [classes], from a model's outputs, float32 [classes]: see ``Probabilities``.

    Softmax is computed in doubles, the largest output subtracted first.
    """
    if rule.source != "softmax":
        return outputs
    powers = np.exp((outputs.astype(np.float64) - outputs.max()) / rule.temperature)
    probabilities: NDArray[np.float32] = (powers / powers.sum()).astype(np.float32)
    return probabilities


__all__ = ["ImageTensor", "dequantized", "probabilities_of", "quantized"]
