"""Building blocks of all families: named layers, each convolution with its normalization and activation.

``block_3_depthwise`` is followed by ``block_3_depthwise_norm`` and ``block_3_depthwise_relu``; pruning,
quantization and folding find layers by these names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tf_keras as keras

from hanji.training.classifiers.models.config import ImageModelConfig

Tensor = Any
_MOMENTUM = 0.9  # of the running statistics; Keras's default of 0.99 adapts too slowly for short epochs


@keras.saving.register_keras_serializable(package="hanji")
class HardSwish(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """x · relu6(x + 3) / 6, any shape (Howard et al. 2019, Searching for MobileNetV3)."""

    def call(self, x: Tensor) -> Tensor:
        """The same shape and dtype as ``x``."""
        return x * (tf.nn.relu6(x + 3.0) * (1.0 / 6.0))


class Layers:
    """Adds layers to one network, with the config's activation, kernel size and padding."""

    def __init__(self, config: ImageModelConfig) -> None:
        self.config = config

    def blocks(self) -> Iterator[tuple[str, int, int]]:
        """Name, output channels and stride of each block, first to last."""
        number = 0
        for stage in self.config.stages:
            for index in range(stage.blocks):
                number += 1
                yield f"block_{number}", stage.channels, stage.stride if index == 0 else 1

    def convolution(self, x: Tensor, channels: int, name: str, *, kernel: int = 1, stride: int = 1) -> Tensor:
        """A bare convolution, [B, h, w, c] → [B, ⌈h/stride⌉, ⌈w/stride⌉, channels]."""
        x, padding = self._padded(x, name, kernel, stride)
        return keras.layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding=padding,
            use_bias=False,
            kernel_initializer="he_normal",
            name=name,
        )(x)

    def depthwise(self, x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """A bare depthwise convolution, the same channels out as in."""
        kernel = self.config.kernel_size
        x, padding = self._padded(x, name, kernel, stride)
        # He initialization: Keras would count all channels as fan-in, but a depthwise kernel has only k × k.
        initial = keras.initializers.RandomNormal(stddev=(2.0 / kernel**2) ** 0.5)
        return keras.layers.DepthwiseConv2D(
            kernel,
            strides=stride,
            padding=padding,
            use_bias=False,
            depthwise_initializer=initial,
            name=name,
        )(x)

    def normalized(self, x: Tensor, name: str, *, non_negative: bool = False) -> Tensor:
        """Batch normalization of the layer ``name``; ``non_negative`` constrains its scales."""
        constraint = keras.constraints.NonNeg() if non_negative else None
        return keras.layers.BatchNormalization(
            momentum=_MOMENTUM, gamma_constraint=constraint, name=f"{name}_norm"
        )(x)

    def activated(self, x: Tensor, name: str) -> Tensor:
        """The config's activation, after the layer ``name``."""
        if self.config.activation == "hard-swish":
            return HardSwish(name=f"{name}_swish")(x)
        limit = 6.0 if self.config.activation == "relu6" else None
        return keras.layers.ReLU(limit, name=f"{name}_relu")(x)

    def norm_act(self, x: Tensor, name: str) -> Tensor:
        """Normalization and activation of the layer ``name``."""
        return self.activated(self.normalized(x, name), name)

    def sum(self, a: Tensor, b: Tensor, name: str) -> Tensor:
        """A residual connection: ``block_3`` gets a layer ``block_3_sum``."""
        return keras.layers.Add(name=f"{name}_sum")([a, b])

    def input_channels(self, x: Tensor) -> Tensor:
        """Repeat a grey image as three equal channels, if the config requires it."""
        if not self.config.sparse_friendly or x.shape[-1] == 3:
            return x
        if x.shape[-1] != 1:
            raise ValueError(f"sparse_friendly: expected images of 1 or 3 channels, found {x.shape[-1]}")
        return keras.layers.Concatenate(name="image_thrice")([x, x, x])

    def check_size(self, x: Tensor, name: str, stride: int) -> None:
        """ValueError if the feature map is too small for another stride."""
        height, width = x.shape[1:3]
        if min(height, width) < stride:
            raise ValueError(
                f"a {self.config.type} with these strides needs larger images: {name} has a stride of "
                f"{stride}, but its input has only {height}×{width} pixels; increase height and width, or "
                "set strides or stem_stride to 1"
            )

    def _padded(self, x: Tensor, name: str, kernel: int, stride: int) -> tuple[Tensor, str]:
        self.check_size(x, name, stride)
        if stride == 1 or not self.config.sparse_friendly:
            return x, "same"
        # Keras's "same" padding is asymmetric for even sizes, which XNNPACK's sparse kernels do not support.
        return keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_padding")(x), "valid"


__all__ = ["HardSwish", "Layers", "Tensor"]
