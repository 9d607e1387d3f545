"""The quantization ranges of a network fake-quantized by TFMOT.

TFMOT initializes every activation range to −6…6 and updates it by 0.1 % per step: after a few hundred steps,
half of the 256 levels may still be unused. So the ranges are calibrated before training starts. TFMOT also
leaves a kernel's range as of the last training step, which does not fit an averaged kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.networks import named_variables
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.objectives import normalized

_UPDATE_RATE = 0.001  # of TFMOT's moving average
_MAX_PASSES = 25
_TOLERANCE = 0.02  # relative change of all ranges from one pass to the next
_MIN_UPPER_END = 1e-6
_KERNELS = ("kernel", "depthwise_kernel")


def measure_ranges(
    model: keras.Model, images: NDArray[np.uint8], image_input: ImageInput, batch_size: int
) -> None:
    """Set each activation range to the mean minimum and maximum over batches of ``images``.

    No other weight changes. A layer's outputs depend on the ranges before it, so this takes several passes.
    """
    ends = [variable for name, variable in named_variables(model).items() if _is_activation_range(name)]
    with _frozen_normalizations(model):
        observe = tf.function(lambda batch: model(normalized(batch, image_input), training=True))
        for _ in range(_MAX_PASSES):
            before = np.array([float(end) for end in ends])
            for end, value in zip(ends, _observed(ends, before, observe, images, batch_size), strict=True):
                end.assign(min(value, 0.0) if "_min" in end.name else max(value, _MIN_UPPER_END))
            after = np.array([float(end) for end in ends])
            if np.allclose(before, after, rtol=_TOLERANCE, atol=_TOLERANCE * np.abs(after).max()):
                return


def refresh_kernel_ranges(model: keras.Model) -> None:
    """Set each kernel's range to ±max|w| of its current weights, per output channel if TFMOT's range is."""
    variables = named_variables(model)
    for name, kernel in variables.items():
        layer, _, part = name.rpartition("/")
        if part in _KERNELS and f"{layer}/{part}_max" in variables:
            low, high = variables[f"{layer}/{part}_min"], variables[f"{layer}/{part}_max"]
            axes = list(range(len(kernel.shape) - len(high.shape)))
            limit = tf.reduce_max(tf.abs(kernel), axis=axes)
            low.assign(-limit)
            high.assign(limit)


def _observed(
    ends: list[tf.Variable],
    before: NDArray[np.float64],
    observe: Callable[[tf.Tensor], tf.Tensor],
    images: NDArray[np.uint8],
    batch_size: int,
) -> NDArray[np.float64]:
    """Mean batch extremes, recovered from the update of each moving average; the averages are reset."""
    total, batches = np.zeros(len(ends)), range(0, len(images), batch_size)
    for start in batches:
        observe(tf.constant(images[start : start + batch_size]))
        updated = np.array([float(end) for end in ends])
        total += before + (updated - before) / _UPDATE_RATE
        for end, value in zip(ends, before, strict=True):
            end.assign(value)
    mean: NDArray[np.float64] = total / len(batches)
    return mean


@contextmanager
def _frozen_normalizations(model: keras.Model) -> Iterator[None]:
    """Inside the block, batch normalizations neither use nor update batch statistics."""
    norms = [
        layer
        for layer in model.layers
        if isinstance(getattr(layer, "layer", layer), keras.layers.BatchNormalization)
    ]
    trained = [norm.trainable for norm in norms]
    for norm in norms:
        norm.trainable = False
    try:
        yield
    finally:
        for norm, trainable in zip(norms, trained, strict=True):
            norm.trainable = trainable


def _is_activation_range(name: str) -> bool:
    """Whether a variable is an end of a moving-average range; the input's range spans all values instead."""
    layer, _, part = name.rpartition("/")
    return layer != "quantize_layer" and part.endswith(("_min", "_max")) and not part.startswith(_KERNELS)


__all__ = ["measure_ranges", "refresh_kernel_ranges"]
