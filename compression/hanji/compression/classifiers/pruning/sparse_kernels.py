"""Reasons why LiteRT on ARM would not use its sparse kernels for a network.

XNNPACK has sparse kernels only for 1×1 convolutions, and uses them only if it can compute the whole network
in channels-first (CHW) layout, from a 3×3 convolution of three channels with stride 2 to a global pooling.
Padding must be a separate operation: where Keras's "same" padding is symmetric, as it is for odd sizes, the
converter fuses it into the convolution, and XNNPACK does not recognize the pattern.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tf_keras as keras

L = keras.layers
MIN_SPARSITY = 2 / 3  # of all 1×1 kernels together


def sparse_obstacles(model: keras.Model) -> tuple[str, ...]:
    """One clause per reason; empty if LiteRT on ARM uses sparse kernels for ``model``."""
    return tuple(_obstacles(model))


def _obstacles(model: keras.Model) -> Iterator[str]:
    convolutions = [layer for layer in model.layers if type(layer) is L.Conv2D]
    if not convolutions:
        yield "there is no convolution"
        return
    stem, *others = convolutions
    if (stem.input_shape[-1], stem.kernel_size, stem.strides) != (3, (3, 3), (2, 2)):
        yield f"{stem.name} is not a 3×3 convolution of three channels with stride 2"
    for layer in others:
        if layer.kernel_size != (1, 1) or layer.strides != (1, 1) or layer.groups != 1:
            yield f"{layer.name} is not a plain 1×1 convolution"
    for layer in model.layers:
        if type(layer) in (L.Conv2D, L.DepthwiseConv2D) and max(layer.strides) > 1:
            yield from _obstacles_of_stride(layer)
        if getattr(layer, "keepdims", False):
            yield f"{layer.name} keeps the spatial axes (keepdims)"
    sparsity = _sparsity([layer for layer in others if layer.kernel_size == (1, 1)])
    if sparsity < MIN_SPARSITY:
        yield f"the sparsity of the 1×1 kernels is {sparsity:.0%}, less than two thirds"


def _obstacles_of_stride(layer: keras.layers.Layer) -> Iterator[str]:
    before = layer.inbound_nodes[0].inbound_layers
    if type(before) is not L.ZeroPadding2D or layer.padding != "valid":
        yield f"{layer.name} is strided without a ZeroPadding2D before it"
    elif any(size % 2 for size in before.input_shape[1:3]):
        height, width = before.input_shape[1:3]
        yield f"{layer.name} is strided over an odd size, {height}×{width}"


def _sparsity(layers: list[keras.layers.Layer]) -> float:
    kernels = [layer.kernel.numpy().ravel() for layer in layers]
    return float(np.mean(np.concatenate(kernels) == 0.0)) if kernels else 0.0
