"""Fake quantization of a network to 8 bits, as in its export, by TFMOT.

TFMOT's default scheme is unchanged: kernels per output channel, activations and the input per tensor, batch
normalizations not folded (the converter folds them, which is exact with one scale per channel). Additions of
this module:

- layers that TFMOT does not support compute in float, and only their outputs are quantized;
- layers that must have one scale in TFLite keep the range of their input (same_scale.py);
- layers in ``float_layers`` stay in float together with the normalization and activation after them;
- sparsity (tfmot.experimental.combine) and clusters (cluster_preserving.py) are preserved, layer by layer.
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
from hanji.compression.classifiers.quantization.cluster_preserving import SharedCentroids
from hanji.compression.classifiers.quantization.same_scale import keeps_scale
from hanji.training.errors import RecipeError

L = keras.layers
Preserved = Literal["sparsity", "clusters"]
"""The property of a layer's kernel that training must preserve."""

_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.Dense)
_NORMS = (L.BatchNormalization,)
_ACTIVATIONS = (L.ReLU, L.LeakyReLU, L.Activation)
_KNOWN_ACTIVATIONS = {"relu", "relu6", "swish", "gelu", "linear", "softmax", "sigmoid", "tanh"}


def quantization_aware(
    model: keras.Model,
    *,
    float_layers: Sequence[str] = (),
    preserved: Mapping[str, Preserved] | None = None,
) -> keras.Model:
    """A fake-quantized copy of the functional ``model``, with uncalibrated activation ranges (see ranges.py).

    ``preserved`` maps layers to the property that training must preserve. RecipeError if a layer in
    ``float_layers`` does not exist, or TFMOT does not support the network.
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
            return annotate.quantize_apply(annotated, _PreservingScheme(preserved or {}))
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError) as error:
        raise RecipeError(
            f"TFMOT cannot quantize the network {model.name!r} for int8-qat: {error}"
        ) from error


def without_preserving(trained: keras.Model, model: keras.Model, float_layers: Sequence[str]) -> keras.Model:
    """``trained``, a ``quantization_aware(model, preserved=…)``, without the preserving quantizers."""
    plain = quantization_aware(model, float_layers=float_layers)
    copy_weights(trained, plain)
    return plain


def in_float(model: keras.Model, quantized: keras.Model) -> keras.Model:
    """A copy of the float network ``model`` with the weights of its ``quantized`` copy."""
    float_copy = copied(model)
    copy_weights(quantized, float_copy)
    return float_copy


def computed_in_float(model: keras.Model) -> list[str]:
    """The layers of ``model`` that TFMOT does not support: they are trained, but compute in float."""
    return [
        layer.name
        for layer in model.layers
        if not (_is_input(layer) or _is_supported(layer) or keeps_scale(layer))
    ]


class _PreservingScheme(schemes.Default8BitQuantizeScheme):  # type: ignore[misc]  # TFMOT has no types
    """TFMOT's default scheme, except for layers with a preserved property."""

    def __init__(self, preserved: Mapping[str, Preserved]) -> None:
        super().__init__()
        self._preserved = preserved

    def get_quantize_registry(self) -> Any:
        return _PreservingRegistry(self._preserved)


class _PreservingRegistry(registries.Default8BitQuantizeRegistry):  # type: ignore[misc]
    def __init__(self, preserved: Mapping[str, Preserved]) -> None:
        super().__init__()
        self._preserved = preserved

    def get_quantize_config(self, layer: keras.layers.Layer) -> Any:
        preserved = self._preserved.get(layer.name)
        if preserved is None:
            return super().get_quantize_config(layer)
        if preserved == "sparsity":
            scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
            return scheme.get_quantize_registry().get_quantize_config(layer)
        config = registries.Default8BitQuantizeConfig(["kernel"], ["activation"], False)
        config.weight_quantizer = SharedCentroids()
        return config


def _annotations(model: keras.Model, float_layers: Sequence[str]) -> dict[str, Any]:
    """By quantized layer, its quantize config, or None for TFMOT's."""
    settings: dict[str, Any] = {}
    for layer in model.layers:
        if not _is_input(layer) and not _is_raw_operation(layer):
            settings[layer.name] = _setting(layer)
    for name in float_layers:
        group = _with_followers(model.get_layer(name))
        for layer in group:
            settings.pop(layer.name, None)
        settings[group[-1].name] = configs.Default8BitOutputQuantizeConfig()
    return settings


def _setting(layer: keras.layers.Layer) -> Any:
    """The quantize config of one layer, or None for TFMOT's."""
    if keeps_scale(layer) and not any(map(_is_raw_operation, _producers(layer))):
        return configs.NoOpQuantizeConfig()
    return None if _is_supported(layer) else configs.Default8BitOutputQuantizeConfig()


def _is_supported(layer: keras.layers.Layer) -> bool:
    """Whether TFMOT has a quantize config for this layer."""
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
    """The layer and the normalization and activation after it that an engine fuses with it."""
    group = [layer]
    for kinds in (_NORMS, _ACTIVATIONS):
        follower = _next(group[-1])
        if isinstance(follower, kinds):
            group.append(follower)
    return group


def _next(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """The only layer that reads this one; None if there is none or several."""
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
    """A bare TensorFlow function in a functional model, or another layer that cannot be wrapped."""
    return type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda", "MultiHeadAttention")


def preserved_by_layer(model: keras.Model, *, pruned: bool, clusters: int) -> dict[str, Preserved]:
    """By layer, the property to preserve after a prune step, a cluster step with ``clusters``, or both.

    Preserving clusters preserves sparsity as well.
    """
    preserved: dict[str, Preserved] = {}
    for layer in model.layers:
        if type(layer) in (L.Conv2D, L.Dense):
            kernel = layer.kernel.numpy()
            if clusters and len(np.unique(kernel)) <= clusters < kernel.size:
                preserved[layer.name] = "clusters"
            elif pruned and bool(np.any(kernel == 0.0)):
                preserved[layer.name] = "sparsity"
    return preserved


def expect_layers(model: keras.Model, names: Sequence[str]) -> None:
    """RecipeError if ``model`` lacks one of the layers in ``float_layers``."""
    existing = [layer.name for layer in model.layers if not _is_input(layer)]
    for name in names:
        if name not in existing:
            raise RecipeError(
                f"quantize.float_layers: the network {model.name!r} has no layer {name!r}; it has "
                f"{', '.join(existing)}"
            )


__all__ = [
    "Preserved",
    "computed_in_float",
    "expect_layers",
    "in_float",
    "preserved_by_layer",
    "quantization_aware",
    "without_preserving",
]
