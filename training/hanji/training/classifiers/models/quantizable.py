"""Whether a network can be trained with the rounding of 8 bits in it, and if not, why."""

from __future__ import annotations

from typing import Any

import tf_keras as keras

from hanji.training.classifiers.models.rebuilding import expect_graph

L = keras.layers
Layer = Any  # a Keras layer; Keras has no types

_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D, L.Dense)
_ACTIVATIONS = ("linear", "relu", "swish", "gelu", "sigmoid", "tanh", "softmax")
"""What TFMOT takes inside a layer with a kernel; as a layer of its own any activation will do."""


def qat_obstacle(model: keras.Model) -> str | None:
    """Why ``model`` cannot be trained quantization-aware, in plain words; None if it can.

    Networks that ``build_classifier`` makes can, each family with each activation. A layer that TFMOT does
    not know (HardSwish, Multiply, Rescaling, a batch normalization that does not follow a convolution) is no
    obstacle, as its result can be rounded as a whole.
    """
    try:
        expect_graph(model)
    except ValueError as error:
        return str(error)
    if not any(isinstance(layer, (*_KERNELS, keras.Model)) for layer in model.layers):
        return "it has no convolution and no Dense layer, whose weights could be rounded"
    for tensor in model.inputs:
        if not tensor.dtype.is_floating:
            return f"it takes {tensor.dtype.name}, and only float can be rounded; begin behind the conversion"
    reasons = (_reason(layer) for layer in model.layers)
    return next((reason for reason in reasons if reason is not None), None)


def _reason(layer: Layer) -> str | None:
    kind = type(layer).__name__
    if isinstance(layer, keras.Model):
        return f"the network {layer.name!r} stands inside it; take it apart with flattened()"
    if isinstance(layer, L.Lambda):
        return f"its layer {layer.name!r} is a Lambda, whose code cannot be copied; use Keras's own layers"
    if isinstance(layer, L.RNN):
        return f"its layer {layer.name!r} ({kind}) is recurrent, which TFLite cannot round step by step"
    if layer.dtype_policy.name.startswith("mixed_"):
        return (
            f"its layer {layer.name!r} computes in {layer.compute_dtype}; build it under the policy float32"
        )
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if isinstance(layer, _KERNELS) and activation not in _ACTIVATIONS:
        return (
            f"its layer {layer.name!r} ({kind}) has the activation {activation}; expected one of "
            f"{', '.join(_ACTIVATIONS)}, or the activation as a layer of its own"
        )
    return None


__all__ = ["qat_obstacle"]
