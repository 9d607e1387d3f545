"""Checks whether a network supports quantization-aware training (QAT)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import tf_keras as keras

from hanji.training.classifiers.models.rebuilding import calls, expect_graph

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
    return next((reason for reason in reasons if reason is not None), None) or _shared_kernel(model)


def fused_activation_obstacle(layer: Layer) -> str | None:
    """Why TFMOT does not support the activation inside ``layer``; None if it does, or there is none."""
    kind, activation = type(layer).__name__, getattr(getattr(layer, "activation", None), "__name__", "linear")
    if not isinstance(layer, _KERNELS) or activation in _ACTIVATIONS:
        return None
    return (
        f"its layer {layer.name!r} ({kind}) has the activation {activation}; expected one of "
        f"{', '.join(_ACTIVATIONS)}, or a separate activation layer"
    )


def _shared_kernel(model: keras.Model) -> str | None:
    """The reason if a kernel is used several times: its bias would need a scale for each input."""
    uses = Counter(node.layer for node in calls(model) if isinstance(node.layer, _KERNELS))
    shared = (
        f"its layer {layer.name!r} is used {count} times, and the scale of its bias would depend on the input"
        for layer, count in uses.items()
        if count > 1
    )
    return next(shared, None)


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
    return fused_activation_obstacle(layer)


__all__ = ["fused_activation_obstacle", "qat_obstacle"]
