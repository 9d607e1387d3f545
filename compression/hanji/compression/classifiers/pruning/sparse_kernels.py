"""What keeps LiteRT on ARM from computing a network's zeros as sparse, in plain words.

XNNPACK has sparse kernels for 1×1 convolutions alone, and takes them only in a network all of which it can
compute with one channel after the other: from a 3×3 convolution of three channels that strides by two to a
global pooling. Padding must stand on its own: where Keras's "same" would be even all round, which it is for
odd sizes, the converter melts the two together, and XNNPACK does not find it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tf_keras as keras

L = keras.layers
LEAST_SPARSITY = 2 / 3  # of all 1×1 kernels together


def sparse_obstacles(model: keras.Model) -> tuple[str, ...]:
    """One clause for each reason; none means that the zeros of ``model`` save time."""
    return tuple(_obstacles(model))


def _obstacles(model: keras.Model) -> Iterator[str]:
    convolutions = [layer for layer in model.layers if type(layer) is L.Conv2D]
    if not convolutions:
        yield "there is no convolution"
        return
    stem, *others = convolutions
    if (stem.input_shape[-1], stem.kernel_size, stem.strides) != (3, (3, 3), (2, 2)):
        yield f"{stem.name} is not a 3×3 convolution of three channels that strides by 2"
    for layer in others:
        if layer.kernel_size != (1, 1) or layer.strides != (1, 1) or layer.groups != 1:
            yield f"{layer.name} is more than a 1×1 convolution"
    for layer in model.layers:
        if type(layer) in (L.Conv2D, L.DepthwiseConv2D) and max(layer.strides) > 1:
            yield from _obstacles_of_stride(layer)
        if getattr(layer, "keepdims", False):
            yield f"{layer.name} keeps the places that it averages over"
    zeros = _sparsity([layer for layer in others if layer.kernel_size == (1, 1)])
    if zeros < LEAST_SPARSITY:
        yield f"{zeros:.0%} of the 1×1 kernels are zero, less than two thirds"


def _obstacles_of_stride(layer: keras.layers.Layer) -> Iterator[str]:
    before = layer.inbound_nodes[0].inbound_layers
    if type(before) is not L.ZeroPadding2D or layer.padding != "valid":
        yield f"{layer.name} strides without a ZeroPadding2D before it"
    elif any(size % 2 for size in before.input_shape[1:3]):
        height, width = before.input_shape[1:3]
        yield f"{layer.name} strides over an odd size, {height}×{width}"


def _sparsity(layers: list[keras.layers.Layer]) -> float:
    kernels = [layer.kernel.numpy().ravel() for layer in layers]
    return float(np.mean(np.concatenate(kernels) == 0.0)) if kernels else 0.0
