"""MobileNet V2: inverted residuals with linear bottlenecks (Sandler et al. 2018, arXiv:1801.04381)."""

from __future__ import annotations

from hanji.training.classifiers.models.layers import Layers, Tensor


def mobilenet_v2(layers: Layers, image: Tensor) -> Tensor:
    """Feature maps of images [B, h, w, c]."""
    stem = layers.config.stem
    x = layers.convolution(layers.input_channels(image), stem.channels, "stem", kernel=3, stride=stem.stride)
    x = layers.norm_act(x, "stem")
    unexpanded = layers.config.stages[0].blocks
    for number, (name, channels, stride) in enumerate(layers.blocks(), start=1):
        expansion = 1 if number <= unexpanded else layers.config.expansion
        x = _bottleneck(layers, x, name, channels, stride=stride, expansion=expansion)
    return x


def _bottleneck(
    layers: Layers, x: Tensor, name: str, channels: int, *, stride: int, expansion: int
) -> Tensor:
    """1×1 expansion, depthwise, linear 1×1 projection; with a residual connection if shapes agree."""
    before = x
    if expansion > 1:
        x = layers.convolution(x, expansion * x.shape[-1], f"{name}_expand")
        x = layers.norm_act(x, f"{name}_expand")
    x = layers.norm_act(layers.depthwise(x, f"{name}_depthwise", stride=stride), f"{name}_depthwise")
    x = layers.normalized(layers.convolution(x, channels, f"{name}_project"), f"{name}_project")
    return layers.sum(before, x, name) if x.shape[1:] == before.shape[1:] else x
