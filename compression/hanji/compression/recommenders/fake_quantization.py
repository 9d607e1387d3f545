"""A model whose tables and hidden layers round to 8 bits as the exported one will.

TFMOT's own scheme knows neither Embedding nor Multiply and would put 8 bits on the score, which
cannot rank thousands of items. So each kind of layer gets a QuantizeConfig of ours:

- embedding tables and hidden kernels: symmetric, one scale a tensor, from the weights themselves;
- activations of the hidden layers and their inputs: a range that follows what was seen;
- the heads, and the GMF product that goes into one directly: float.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper import QuantizeWrapperV2

from hanji.training.recommenders.models.build import HEADS

BITS = 8
RANGE_DECAY = 0.99  # of the activation ranges, per batch


class SymmetricWeights(tfmot.quantization.keras.quantizers.Quantizer):  # type: ignore[misc]
    """±max|w|, computed anew from the weights, so that it can never be out of date."""

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """No state of its own."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The weights, rounded to 255 levels around zero."""
        limit = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(inputs)), 1e-6))
        return tf.quantization.fake_quant_with_min_max_vars(inputs, -limit, limit, BITS, narrow_range=True)

    def get_config(self) -> dict[str, Any]:
        """Nothing to configure."""
        return {}


class FollowedRange(tfmot.quantization.keras.quantizers.Quantizer):  # type: ignore[misc]
    """A moving average of the smallest and largest value seen in training mode."""

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """The two ends of the range, stored with the layer."""
        return {
            end: layer.add_weight(f"{name}_{end}", (), initializer="zeros", trainable=False)
            for end in ("min", "max")
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The activations, rounded to 256 levels of the range."""
        low, high = weights["min"], weights["max"]
        if training:
            low = low.assign(_follow(low, tf.minimum(tf.reduce_min(inputs), 0.0)))
            high = high.assign(_follow(high, tf.maximum(tf.reduce_max(inputs), 1e-6)))
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, BITS)

    def get_config(self) -> dict[str, Any]:
        """Nothing to configure."""
        return {}


class LayerQuantization(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """Quantizes one weight attribute, the activation, or the output of a layer; each may be absent."""

    def __init__(self, weight: str = "", activation: bool = False, output: bool = False) -> None:
        self.weight, self.activation, self.output = weight, activation, output

    def get_weights_and_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """The named weight, if any."""
        return [(getattr(layer, self.weight), SymmetricWeights())] if self.weight else []

    def get_activations_and_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """The layer's activation function, if its result is to be rounded."""
        return [(layer.activation, FollowedRange())] if self.activation else []

    def set_quantize_weights(self, layer: keras.layers.Layer, quantize_weights: list[Any]) -> None:
        """Put the rounded weight in the place of the plain one."""
        if self.weight:
            setattr(layer, self.weight, quantize_weights[0])

    def set_quantize_activations(self, layer: keras.layers.Layer, quantize_activations: list[Any]) -> None:
        """Put the rounding activation in the place of the plain one."""
        if self.activation:
            layer.activation = quantize_activations[0]

    def get_output_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """One for the output, if it is to be rounded."""
        return [FollowedRange()] if self.output else []

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"weight": self.weight, "activation": self.activation, "output": self.output}


def quantization_of(layer: keras.layers.Layer) -> LayerQuantization | None:
    """How this layer is quantized; None leaves it in float."""
    if isinstance(layer, keras.layers.Embedding):
        return None if layer.name.endswith("_bias") else LayerQuantization(weight="embeddings")
    if isinstance(layer, keras.layers.Dense):
        return None if layer.name in HEADS else LayerQuantization(weight="kernel", activation=True)
    if layer.name == "tower_input":  # its parts take its scale, so they are not rounded before as well
        return LayerQuantization(output=True)
    return None


def fake_quantized(model: keras.Model) -> keras.Model:
    """A copy of ``model`` that rounds as above; activation ranges are still empty (see calibrate)."""

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        copy = layer.__class__.from_config(layer.get_config())
        config = quantization_of(layer)
        return QuantizeWrapperV2(copy, config) if config else copy

    wrapped = keras.models.clone_model(model, clone_function=wrap)
    by_name = {_own_name(layer): layer for layer in wrapped.layers}
    for layer in model.layers:
        _copy_weights(layer, by_name[layer.name])
    return wrapped


def _own_name(layer: keras.layers.Layer) -> str:
    return str(layer.layer.name if isinstance(layer, QuantizeWrapperV2) else layer.name)


def _copy_weights(layer: keras.layers.Layer, target: keras.layers.Layer) -> None:
    # By the last part of the name (kernel, bias, embeddings): a wrapper moves and reorders them.
    values = {_last_part(weight): weight for weight in layer.weights}
    for weight in target.trainable_weights:
        weight.assign(values[_last_part(weight)])


def _last_part(weight: tf.Variable) -> str:
    return str(weight.name).rsplit("/", 1)[-1]


def _follow(value: Any, seen: Any) -> Any:
    # The first batch is taken as it is: an average with the initial zero would be too narrow for long.
    started = tf.not_equal(value, 0.0)
    return tf.where(started, RANGE_DECAY * value + (1.0 - RANGE_DECAY) * seen, seen)
