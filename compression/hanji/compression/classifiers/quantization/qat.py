"""A network that rounds to 8 bits as its export will, by TFMOT.

TFMOT's own scheme is taken as it is: kernels per output channel, hidden activations and the input per
tensor, batch normalizations where they are (the converter folds them, which a scale per channel survives
exactly). What this module adds:

- layers that TFMOT does not know compute in float, and only their result is rounded;
- layers that are to stay in float do so with the normalization and activation behind them;
- zeros are kept (tfmot.experimental.combine), and so are shared values (shared_values.py), layer by layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_configs as configs,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_registry as registries,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_scheme as schemes,
)

from hanji.compression.classifiers.networks import copied, copy_weights
from hanji.compression.classifiers.quantization.cluster_preserving import SharedValues
from hanji.training.errors import RecipeError

L = keras.layers
Kept = Literal["zeros", "shared values"]
"""What must outlive the training of a layer's kernel."""

_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.Dense)
_NORMS = (L.BatchNormalization,)
_ACTIVATIONS = (L.ReLU, L.LeakyReLU, L.Activation)
_KNOWN_ACTIVATIONS = {"relu", "relu6", "swish", "gelu", "linear", "softmax", "sigmoid", "tanh"}


def quantization_aware(
    model: keras.Model, *, float_layers: Sequence[str] = (), kept: Mapping[str, Kept] | None = None
) -> keras.Model:
    """A copy of the functional ``model`` that rounds; its activation ranges are not set yet (see ranges.py).

    ``kept`` says by layer what must not change in training. RecipeError for a layer in ``float_layers`` that
    does not exist, and where TFMOT refuses the network.
    """
    expect_layers(model, float_layers)
    annotate = tfmot.quantization.keras
    settings = _annotations(model, float_layers)

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in settings:
            return layer.__class__.from_config(layer.get_config())
        return annotate.quantize_annotate_layer(
            layer.__class__.from_config(layer.get_config()), settings[layer.name]
        )

    try:
        with annotate.quantize_scope():
            annotated = keras.models.clone_model(model, clone_function=wrap)
            copy_weights(model, annotated)
            return annotate.quantize_apply(annotated, _PreservingScheme(kept or {}))
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError) as error:
        raise RecipeError(
            f"int8-qat: the rounding cannot be put into the network {model.name!r}: {error}; take int8, "
            "which needs no training, or name the layer in float_layers"
        ) from error


def without_preserving(trained: keras.Model, model: keras.Model, float_layers: Sequence[str]) -> keras.Model:
    """What ``quantization_aware(model, kept=…)`` became by training, without what kept things."""
    plain = quantization_aware(model, float_layers=float_layers)
    copy_weights(trained, plain)
    return plain


def in_float(model: keras.Model, quantized: keras.Model) -> keras.Model:
    """A copy of the float network ``model`` with the weights that it has in its ``quantized`` copy."""
    twin = copied(model)
    copy_weights(quantized, twin)
    return twin


def computed_in_float(model: keras.Model) -> list[str]:
    """The layers of ``model`` that TFMOT does not know: they take part in training, but compute in float."""
    return [layer.name for layer in model.layers if not _is_input(layer) and not _known(layer)]


class _PreservingScheme(schemes.Default8BitQuantizeScheme):  # type: ignore[misc]  # TFMOT has no types
    """TFMOT's default, but for the layers of which something must be kept."""

    def __init__(self, kept: Mapping[str, Kept]) -> None:
        super().__init__()
        self._kept = kept

    def get_quantize_registry(self) -> Any:
        return _PreservingRegistry(self._kept)


class _PreservingRegistry(registries.Default8BitQuantizeRegistry):  # type: ignore[misc]
    def __init__(self, kept: Mapping[str, Kept]) -> None:
        super().__init__()
        self._kept = kept

    def get_quantize_config(self, layer: keras.layers.Layer) -> Any:
        kept = self._kept.get(layer.name)
        if kept is None:
            return super().get_quantize_config(layer)
        if kept == "zeros":
            scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
            return scheme.get_quantize_registry().get_quantize_config(layer)
        config = registries.Default8BitQuantizeConfig(["kernel"], ["activation"], False)
        config.weight_quantizer = SharedValues()
        return config


def _annotations(model: keras.Model, float_layers: Sequence[str]) -> dict[str, Any]:
    """By layer that takes part, its own quantization, or None for TFMOT's."""
    settings: dict[str, Any] = {}
    for layer in model.layers:
        if not _is_input(layer) and not _is_raw_operation(layer):
            settings[layer.name] = None if _known(layer) else configs.Default8BitOutputQuantizeConfig()
    for name in float_layers:
        group = _with_followers(model.get_layer(name))
        for layer in group:
            settings.pop(layer.name, None)
        settings[group[-1].name] = configs.Default8BitOutputQuantizeConfig()
    return settings


def _known(layer: keras.layers.Layer) -> bool:
    """Whether TFMOT has its own way to round this layer."""
    if isinstance(layer, _NORMS):
        before = _producers(layer)
        return (
            len(before) == 1
            and isinstance(before[0], _KERNELS)
            and _next(before[0]) is layer
            and _is_linear(before[0])
        )
    if isinstance(layer, L.Activation):
        return getattr(layer.activation, "__name__", "") in _KNOWN_ACTIVATIONS
    return bool(registries.Default8BitQuantizeRegistry().supports(layer))


def _with_followers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layer, then the normalization and the activation behind it that an engine computes with it."""
    group = [layer]
    for kinds in (_NORMS, _ACTIVATIONS):
        follower = _next(group[-1])
        if isinstance(follower, kinds):
            group.append(follower)
    return group


def _next(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """The one layer that reads this one; None where there is none or several."""
    readers = [node.outbound_layer for node in layer.outbound_nodes]
    return readers[0] if len(readers) == 1 else None


def _producers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    inbound = layer.inbound_nodes[0].inbound_layers if layer.inbound_nodes else []
    return list(inbound) if isinstance(inbound, list) else [inbound]


def _is_linear(layer: keras.layers.Layer) -> bool:
    return layer.activation is keras.activations.linear


def _is_input(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, L.InputLayer)


def _is_raw_operation(layer: keras.layers.Layer) -> bool:
    """A bare TensorFlow function in a functional model, which cannot be wrapped."""
    return type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda")


def kept_by_layer(model: keras.Model, *, pruned: bool, clusters: int) -> dict[str, Kept]:
    """What is to be kept of each layer after a prune step, a cluster step of so many ``clusters``, or both.

    A shared value of zero stays zero.
    """
    kept: dict[str, Kept] = {}
    for layer in model.layers:
        if type(layer) in (L.Conv2D, L.Dense):
            kernel = layer.kernel.numpy()
            if clusters and len(np.unique(kernel)) <= clusters < kernel.size:
                kept[layer.name] = "shared values"
            elif pruned and bool(np.any(kernel == 0.0)):
                kept[layer.name] = "zeros"
    return kept


def expect_layers(model: keras.Model, names: Sequence[str]) -> None:
    """RecipeError if ``model`` lacks one of the layers that are to stay in float."""
    known = [layer.name for layer in model.layers if not _is_input(layer)]
    for name in names:
        if name not in known:
            raise RecipeError(
                f"quantize.float_layers: the network {model.name!r} has no layer {name!r}; it has "
                f"{', '.join(known)}"
            )


__all__ = [
    "Kept",
    "computed_in_float",
    "expect_layers",
    "in_float",
    "kept_by_layer",
    "quantization_aware",
    "without_preserving",
]
