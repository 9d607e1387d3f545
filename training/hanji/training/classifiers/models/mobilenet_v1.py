"""MobileNet V1: depthwise separable convolutions (Howard et al. 2017, arXiv:1704.04861)."""

from __future__ import annotations

from hanji.training.classifiers.models.layers import Layers, Tensor


def mobilenet_v1(layers: Layers, image: Tensor) -> Tensor:
    """Feature maps of images [B, h, w, c]."""
    stem = layers.config.stem
    x = layers.convolution(layers.input_channels(image), stem.channels, "stem", kernel=3, stride=stem.stride)
    x = layers.norm_act(x, "stem")
    for name, channels, stride in layers.blocks():
        x = _block(layers, x, name, channels, stride)
    return x


def _block(layers: Layers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    """Depthwise, then pointwise (1×1) convolution."""
    before = x
    x = layers.norm_act(layers.depthwise(x, f"{name}_depthwise", stride=stride), f"{name}_depthwise")
    x = layers.norm_act(layers.convolution(x, channels, f"{name}_pointwise"), f"{name}_pointwise")
    if layers.config.residual and x.shape[1:] == before.shape[1:]:
        x = layers.sum(before, x, name)
    return x
