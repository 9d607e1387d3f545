"""An ordinary CNN of 3×3 convolutions: to compare with, and as a teacher.

With ``residual`` and three blocks in a stage it is the net of Page (2018, How to Train Your ResNet).
"""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.layers import Layers, Tensor


def cnn(layers: Layers, image: Tensor) -> Tensor:
    """From pictures [B, h, w, c] to feature maps."""
    stem = layers.config.stem
    x = layers.finished(
        layers.convolution(image, stem.channels, "stem", kernel=3, stride=stem.stride), "stem"
    )
    number = 0
    for channels, blocks, stride in layers.config.stages:
        x = first = _first(layers, x, f"block_{number + 1}", channels, stride)
        for index in range(number + 2, number + blocks + 1):
            x = layers.convolution(x, channels, f"block_{index}", kernel=3)
            x = layers.finished(x, f"block_{index}")
        number += blocks
        if layers.config.residual and blocks > 1:
            x = layers.sum(first, x, f"block_{number}")
    return x


def _first(layers: Layers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    """The block that strides: pooled before it is normalized, which then has a quarter of the work."""
    x = layers.convolution(x, channels, name, kernel=3)
    if stride > 1:
        layers.check_size(x, name, stride)
        x = keras.layers.MaxPooling2D(stride, name=f"{name}_pool")(x)
    # The largest stays the largest, so the normalization can later be folded past the pooling.
    return layers.activated(layers.normalized(x, name, rising=stride > 1), name)
