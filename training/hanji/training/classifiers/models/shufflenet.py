"""ShuffleNet: grouped 1×1 convolutions with channel shuffle (Zhang et al. 2017, arXiv:1707.01083)."""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.layers import Layers, Tensor

_BOTTLENECK = 4  # a unit's inner channels are a quarter of its outer ones


def shufflenet(layers: Layers, image: Tensor) -> Tensor:
    """Feature maps of images [B, h, w, c]."""
    stem = layers.config.stem
    x = layers.convolution(image, stem.channels, "stem", kernel=3, stride=min(stem.stride, 2))
    x = layers.norm_act(x, "stem")
    if stem.stride == 4:
        layers.check_size(x, "stem_pool", 2)
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    for name, channels, stride in layers.blocks():
        x = _unit(layers, x, name, channels, stride)
    return x


def _unit(layers: Layers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    """Grouped 1×1, shuffle, depthwise, grouped 1×1; added to the input or concatenated with it."""
    concatenate = stride > 1 or x.shape[-1] != channels
    y = _reduce(layers, x, name, channels // _BOTTLENECK)
    y = layers.normalized(layers.depthwise(y, f"{name}_depthwise", stride=stride), f"{name}_depthwise")
    y = _expand(layers, y, name, channels - x.shape[-1] if concatenate else channels)
    if not concatenate:
        return layers.activated(layers.sum(x, y, name), name)
    if stride > 1:
        x = keras.layers.AveragePooling2D(3, strides=stride, padding="same", name=f"{name}_pool")(x)
    return layers.activated(keras.layers.Concatenate(name=f"{name}_beside")([x, y]), name)


def _reduce(layers: Layers, x: Tensor, name: str, channels: int) -> Tensor:
    """A unit's first 1×1 convolution, followed by the channel shuffle."""
    (height, width, _), groups = x.shape[1:], layers.config.groups
    if name == "block_1" or groups == 1:
        # The stem has too few channels to be split into groups (section 3.2 of the paper).
        x = layers.norm_act(layers.convolution(x, channels, f"{name}_in"), f"{name}_in")
        if groups == 1:
            return x
        x = _as_groups(layers, x, f"{name}_shuffle_groups")
    else:
        x = _grouped(layers, x, channels, f"{name}_in", activate=True)
    x = keras.layers.Permute((1, 3, 2), name=f"{name}_shuffle")(x)
    return keras.layers.Reshape((height, width, channels), name=f"{name}_shuffled")(x)


def _expand(layers: Layers, x: Tensor, name: str, channels: int) -> Tensor:
    """A unit's last 1×1 convolution, without activation."""
    if layers.config.groups == 1:
        return layers.normalized(layers.convolution(x, channels, f"{name}_out"), f"{name}_out")
    height, width, _ = x.shape[1:]
    x = _grouped(layers, x, channels, f"{name}_out", activate=False)
    return keras.layers.Reshape((height, width, channels), name=f"{name}_out_joined")(x)


def _grouped(layers: Layers, x: Tensor, channels: int, name: str, *, activate: bool) -> Tensor:
    """A grouped 1×1 convolution with normalization, [B, h, w, c] → [B, h·w, groups, channels/groups].

    It is one convolution per group: Keras's grouped convolution trains at a tenth of the speed on a CPU (it
    goes through XLA), and neither tf2onnx nor TF.js supports it.
    """
    groups = layers.config.groups
    x = _as_groups(layers, x, f"{name}_groups")
    parts = []
    for index in range(groups):
        cropping = ((0, 0), (index, groups - 1 - index))
        part = keras.layers.Cropping2D(cropping, name=f"{name}_{index + 1}_group")(x)
        part = layers.convolution(part, channels // groups, f"{name}_{index + 1}")
        part = layers.normalized(part, f"{name}_{index + 1}")
        parts.append(layers.activated(part, f"{name}_{index + 1}") if activate else part)
    return keras.layers.Concatenate(axis=2, name=f"{name}_join")(parts)


def _as_groups(layers: Layers, x: Tensor, name: str) -> Tensor:
    """The channels split into groups, [B, h, w, c] → [B, h·w, groups, c/groups]."""
    (height, width, channels), groups = x.shape[1:], layers.config.groups
    return keras.layers.Reshape((height * width, groups, channels // groups), name=name)(x)
