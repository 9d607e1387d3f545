"""A plain CNN of 3×3 convolutions, as a baseline and as a teacher.

With ``residual`` and three blocks per stage it is the network of Page (2018, How to Train Your ResNet).
"""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.layers import Layers, Tensor


def cnn(layers: Layers, image: Tensor) -> Tensor:
    """Feature maps of images [B, h, w, c]."""
    stem = layers.config.stem
    x = layers.norm_act(
        layers.convolution(image, stem.channels, "stem", kernel=3, stride=stem.stride), "stem"
    )
    number = 0
    for channels, blocks, stride in layers.config.stages:
        x = first = _first(layers, x, f"block_{number + 1}", channels, stride)
        for index in range(number + 2, number + blocks + 1):
            x = layers.convolution(x, channels, f"block_{index}", kernel=3)
            x = layers.norm_act(x, f"block_{index}")
        number += blocks
        if layers.config.residual and blocks > 1:
            x = layers.sum(first, x, f"block_{number}")
    return x


def _first(layers: Layers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    """The first block of a stage: pooling before the normalization reduces the latter's cost to a quarter."""
    x = layers.convolution(x, channels, name, kernel=3)
    if stride > 1:
        layers.check_size(x, name, stride)
        x = keras.layers.MaxPooling2D(stride, name=f"{name}_pool")(x)
    # With non-negative scales the normalization commutes with max-pooling and can be folded past it later.
    return layers.activated(layers.normalized(x, name, non_negative=stride > 1), name)
