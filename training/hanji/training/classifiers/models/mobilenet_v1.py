"""MobileNet V1: depthwise separable convolutions (Howard et al. 2017, arXiv:1704.04861)."""

from __future__ import annotations

from hanji.training.classifiers.models.layers import Layers, Tensor


def mobilenet_v1(layers: Layers, image: Tensor) -> Tensor:
    """From pictures [B, h, w, c] to feature maps."""
    stem = layers.config.stem
    x = layers.convolution(layers.thrice(image), stem.channels, "stem", kernel=3, stride=stem.stride)
    x = layers.finished(x, "stem")
    for name, channels, stride in layers.blocks():
        x = _block(layers, x, name, channels, stride)
    return x


def _block(layers: Layers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    """Depthwise 3×3, then 1×1 over the channels."""
    before = x
    x = layers.finished(layers.depthwise(x, f"{name}_depthwise", stride=stride), f"{name}_depthwise")
    x = layers.finished(layers.convolution(x, channels, f"{name}_pointwise"), f"{name}_pointwise")
    if layers.config.residual and x.shape[1:] == before.shape[1:]:
        x = layers.sum(before, x, name)
    return x
