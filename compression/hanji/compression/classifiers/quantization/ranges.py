"""The ranges of a network that TFMOT has made round.

TFMOT starts every activation at −6…6 and moves it by a thousandth a step: after a few hundred steps half of
the 256 levels may still lie where nothing is. So the ranges are measured before training begins. And
TFMOT leaves a kernel's range as the last step of training saw it, which an averaged kernel does not have.
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

_STEP = 0.001  # by which TFMOT's moving average follows what it sees
_MOST_PASSES = 25
_SETTLED = 0.02  # relative change of all ranges from one pass to the next
_SMALLEST = 1e-6
_KERNELS = ("kernel", "depthwise_kernel")


def measure_ranges(
    model: keras.Model, images: NDArray[np.uint8], image_input: ImageInput, batch_size: int
) -> None:
    """Set each activation's range to the mean of the smallest and largest values in batches of ``images``.

    No other weight changes. A layer's values depend on the ranges before it, so it takes some passes.
    """
    ends = [variable for name, variable in named_variables(model).items() if _is_activation_range(name)]
    with _frozen_normalizations(model):
        observe = tf.function(lambda batch: model(normalized(batch, image_input), training=True))
        for _ in range(_MOST_PASSES):
            before = np.array([float(end) for end in ends])
            for end, value in zip(ends, _seen(ends, before, observe, images, batch_size), strict=True):
                end.assign(min(value, 0.0) if "_min" in end.name else max(value, _SMALLEST))
            after = np.array([float(end) for end in ends])
            if np.allclose(before, after, rtol=_SETTLED, atol=_SETTLED * np.abs(after).max()):
                return


def refresh_kernel_ranges(model: keras.Model) -> None:
    """Symmetric ranges that just hold each kernel as it is now, per output channel where TFMOT has it so."""
    variables = named_variables(model)
    for name, kernel in variables.items():
        layer, _, part = name.rpartition("/")
        if part in _KERNELS and f"{layer}/{part}_max" in variables:
            low, high = variables[f"{layer}/{part}_min"], variables[f"{layer}/{part}_max"]
            axes = list(range(len(kernel.shape) - len(high.shape)))
            limit = tf.reduce_max(tf.abs(kernel), axis=axes)
            low.assign(-limit)
            high.assign(limit)


def _seen(
    ends: list[tf.Variable],
    before: NDArray[np.float64],
    observe: Callable[[tf.Tensor], tf.Tensor],
    images: NDArray[np.uint8],
    batch_size: int,
) -> NDArray[np.float64]:
    """The mean of what the moving averages were shown, read off from where each moved; they are put back."""
    total, batches = np.zeros(len(ends)), range(0, len(images), batch_size)
    for start in batches:
        observe(tf.constant(images[start : start + batch_size]))
        moved = np.array([float(end) for end in ends])
        total += before + (moved - before) / _STEP
        for end, value in zip(ends, before, strict=True):
            end.assign(value)
    seen: NDArray[np.float64] = total / len(batches)
    return seen


@contextmanager
def _frozen_normalizations(model: keras.Model) -> Iterator[None]:
    """Inside the block batch normalizations neither take nor update the statistics of a batch."""
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
    """Whether a variable is an end of a moving range: the input's is none, it holds all that was seen."""
    layer, _, part = name.rpartition("/")
    return layer != "quantize_layer" and part.endswith(("_min", "_max")) and not part.startswith(_KERNELS)


__all__ = ["measure_ranges", "refresh_kernel_ranges"]
