"""Checks whether a network supports quantization-aware training (QAT)."""

from __future__ import annotations

from typing import Any

import tf_keras as keras

from hanji.training.classifiers.models.rebuilding import expect_graph

L = keras.layers
Layer = Any  # a Keras layer; Keras has no types

_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D, L.Dense)
_ACTIVATIONS = ("linear", "relu", "swish", "gelu", "sigmoid", "tanh", "softmax")
"""Activations that TFMOT supports inside a layer with a kernel; separate activation layers may be any."""


def qat_obstacle(model: keras.Model) -> str | None:
    """The reason why ``model`` does not support quantization-aware training; None if it does.

    Networks of ``build_classifier`` support it, each family with each activation. A layer unknown to TFMOT
    (HardSwish, Multiply, Rescaling, a batch normalization that does not follow a convolution) is no obstacle,
    as its output can be quantized.
    """
    try:
        expect_graph(model)
    except ValueError as error:
        return str(error)
    if not any(isinstance(layer, (*_KERNELS, keras.Model)) for layer in model.layers):
        return "it has no convolution and no Dense layer whose weights could be quantized"
    for tensor in model.inputs:
        if not tensor.dtype.is_floating:
            return f"its input is {tensor.dtype.name}, expected float; start after the conversion to float"
    reasons = (_reason(layer) for layer in model.layers)
    return next((reason for reason in reasons if reason is not None), None)


def _reason(layer: Layer) -> str | None:
    kind = type(layer).__name__
    if isinstance(layer, keras.Model):
        return f"it contains the nested model {layer.name!r}; flatten it with flattened()"
    if isinstance(layer, L.Lambda):
        return (
            f"its layer {layer.name!r} is a Lambda, whose code cannot be copied; use built-in layers of Keras"
        )
    if isinstance(layer, L.RNN):
        return f"its layer {layer.name!r} ({kind}) is recurrent, whose time steps TFLite cannot quantize"
    if layer.dtype_policy.name.startswith("mixed_"):
        return f"its layer {layer.name!r} computes in {layer.compute_dtype}; build it with the policy float32"
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if isinstance(layer, _KERNELS) and activation not in _ACTIVATIONS:
        return (
            f"its layer {layer.name!r} ({kind}) has the activation {activation}; expected one of "
            f"{', '.join(_ACTIVATIONS)}, or a separate activation layer"
        )
    return None


__all__ = ["qat_obstacle"]
