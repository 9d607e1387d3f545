"""Converts 8-bit levels to a model's input tensor, and its outputs to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hanji.runtime.manifest import ImageInput, Probabilities, Tensor


class ImageTensor:
    """Converts prepared images to the model's input tensor.

    If the graph normalizes, levels are passed on unchanged. Otherwise a lookup table per channel, computed in
    double precision, maps each level to x = (level - mean) / std: cast to float32, or for uint8 and int8
    quantized as round(x / scale) + zero_point (round half to even), clipped to the range of the dtype.
    """

    def __init__(self, image_input: ImageInput, tensor: Tensor) -> None:
        self._dtype = np.dtype(tensor.dtype)
        self._tables = None if image_input.normalized_by == "graph" else _lookup_tables(image_input, tensor)

    def of(self, levels: NDArray[np.uint8]) -> NDArray[Any]:
        """The tensor for ``levels`` (uint8 [1, height, width, channels]), of the same shape."""
        if self._tables is None:
            return levels.astype(self._dtype, copy=False)
        tensor = np.empty(levels.shape, self._dtype)
        for channel, table in enumerate(self._tables):
            tensor[..., channel] = table[levels[..., channel]]
        return tensor


def _lookup_tables(image_input: ImageInput, tensor: Tensor) -> NDArray[Any]:
    """The model's input value for each channel and level, [channels, 256]."""
    mean, std = (np.array(values)[:, None] for values in (image_input.mean, image_input.std))
    return quantized((np.arange(256) - mean) / std, tensor)


def quantized(values: NDArray[np.float64], tensor: Tensor) -> NDArray[Any]:
    """Quantize real values to the dtype of ``tensor``, or cast them if it is not quantized."""
    if tensor.dtype == "float32" or tensor.scale is None or tensor.zero_point is None:
        return values.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(values / tensor.scale) + tensor.zero_point
    return steps.clip(limits.min, limits.max).astype(tensor.dtype)


def dequantized(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    """Real values of quantized ones: (value - zero_point) · scale; a cast to float32 if not quantized."""
    if tensor.dtype == "float32" or tensor.scale is None or tensor.zero_point is None:
        return values.astype(np.float32, copy=False)
    return ((values.astype(np.float64) - tensor.zero_point) * tensor.scale).astype(np.float32)


def probabilities_of(outputs: NDArray[np.float32], rule: Probabilities) -> NDArray[np.float32]:
    """Probabilities, float32 [classes], from a model's outputs, float32 [classes]: see ``Probabilities``.

    Softmax is computed in double precision after subtracting the largest output.
    """
    if rule.source != "softmax":
        return outputs
    powers = np.exp((outputs.astype(np.float64) - outputs.max()) / rule.temperature)
    probabilities: NDArray[np.float32] = (powers / powers.sum()).astype(np.float32)
    return probabilities
