"""What all families are built of: named layers, each convolution with its normalization and activation.

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
_MOMENTUM = 0.9  # of the running statistics: epochs are short here, and Keras's 0.99 lags behind them


@keras.saving.register_keras_serializable(package="hanji")
class HardSwish(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """x · relu6(x + 3) / 6, any shape (Howard et al. 2019, Searching for MobileNetV3)."""

    def call(self, x: Tensor) -> Tensor:
        """The same shape and dtype as ``x``."""
        return x * (tf.nn.relu6(x + 3.0) * (1.0 / 6.0))


class Layers:
    """Adds layers of one network; activation, kernel and padding are the config's."""

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
        # Keras takes all channels for one output's inputs; of a depthwise kernel only k × k are.
        initial = keras.initializers.RandomNormal(stddev=(2.0 / kernel**2) ** 0.5)
        return keras.layers.DepthwiseConv2D(
            kernel,
            strides=stride,
            padding=padding,
            use_bias=False,
            depthwise_initializer=initial,
            name=name,
        )(x)

    def normalized(self, x: Tensor, name: str, *, rising: bool = False) -> Tensor:
        """Batch normalization of the layer ``name``; ``rising``: no channel may be turned upside down."""
        constraint = keras.constraints.NonNeg() if rising else None
        return keras.layers.BatchNormalization(
            momentum=_MOMENTUM, gamma_constraint=constraint, name=f"{name}_norm"
        )(x)

    def activated(self, x: Tensor, name: str) -> Tensor:
        """The config's activation, after the layer ``name``."""
        if self.config.activation == "hard-swish":
            return HardSwish(name=f"{name}_swish")(x)
        limit = 6.0 if self.config.activation == "relu6" else None
        return keras.layers.ReLU(limit, name=f"{name}_relu")(x)

    def finished(self, x: Tensor, name: str) -> Tensor:
        """Normalization and activation of the layer ``name``."""
        return self.activated(self.normalized(x, name), name)

    def sum(self, a: Tensor, b: Tensor, name: str) -> Tensor:
        """A residual connection: ``block_3`` gets a layer ``block_3_sum``."""
        return keras.layers.Add(name=f"{name}_sum")([a, b])

    def thrice(self, x: Tensor) -> Tensor:
        """A grey picture as three equal channels, where the config asks for it."""
        if not self.config.sparse_friendly or x.shape[-1] == 3:
            return x
        if x.shape[-1] != 1:
            raise ValueError(f"sparse_friendly takes pictures of 1 or 3 channels, found {x.shape[-1]}")
        return keras.layers.Concatenate(name="image_thrice")([x, x, x])

    def check_size(self, x: Tensor, name: str, stride: int) -> None:
        """ValueError where the picture has become too small for another stride."""
        height, width = x.shape[1:3]
        if min(height, width) < stride:
            raise ValueError(
                f"a {self.config.type} with these strides needs larger pictures: {name} is to stride by "
                f"{stride} over what is left, {height}×{width} pixels; give more height and width, or "
                "strides or a stem_stride of 1"
            )

    def _padded(self, x: Tensor, name: str, kernel: int, stride: int) -> tuple[Tensor, str]:
        self.check_size(x, name, stride)
        if stride == 1 or not self.config.sparse_friendly:
            return x, "same"
        # Keras's own padding is one pixel more at the end of even sizes; XNNPACK's sparse kernels have none
        # such.
        return keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_padding")(x), "valid"


__all__ = ["HardSwish", "Layers", "Tensor"]
