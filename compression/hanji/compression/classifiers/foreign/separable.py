"""Separable convolutions, split into a depthwise and a pointwise layer.

Engines execute them as two convolutions, and TFMOT does not quantize, prune or cluster a SeparableConv2D: as
one layer, both would stay in float.
"""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.rebuilding import with_parts

L = keras.layers
_DEPTHWISE = ("strides", "padding", "data_format", "dilation_rate", "depth_multiplier", "dtype")
_POINTWISE = ("filters", "data_format", "activation", "use_bias", "dtype")


def separated(flat: keras.Model) -> keras.Model:
    """A copy of the ``flat`` network with each SeparableConv2D replaced by a DepthwiseConv2D and a Conv2D.

    The Conv2D keeps the layer's name, the DepthwiseConv2D adds "_depthwise" to it. The outputs are the same.
    """
    return with_parts(flat, _parts)


def _parts(layer: keras.layers.Layer) -> keras.Model | None:
    """Both layers as a sequential network, for inputs of any height and width; None for any other layer."""
    if type(layer) is not L.SeparableConv2D:
        return None
    config = layer.get_config()
    last = config["data_format"] == "channels_last"
    channels = int(layer.depthwise_kernel.shape[2])
    return keras.Sequential(
        [
            keras.Input((None, None, channels) if last else (channels, None, None)),
            L.DepthwiseConv2D(
                config["kernel_size"],
                use_bias=False,
                name=f"{layer.name}_depthwise",
                **{key: config[key] for key in _DEPTHWISE},
            ),
            L.Conv2D(kernel_size=1, name=layer.name, **{key: config[key] for key in _POINTWISE}),
        ],
        name=f"{layer.name}_parts",
    )


__all__ = ["separated"]
