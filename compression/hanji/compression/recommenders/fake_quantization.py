"""Fake quantization of the embedding tables and hidden layers to 8 bits, as in the export.

TFMOT's default scheme supports neither Embedding nor Multiply and would quantize the score to 8 bits, too few
to rank thousands of items. So each kind of layer gets a QuantizeConfig defined here:

- embedding tables and hidden kernels: symmetric, per tensor, with a scale computed from the weights;
- activations of the hidden layers and their inputs: a moving-average range;
- the heads, and the GMF product that is the input of one: float.
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
    """Range ±max|w|, recomputed from the weights in every call, so that it is never stale."""

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """No state."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The weights, quantized to 255 levels around zero."""
        limit = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(inputs)), 1e-6))
        return tf.quantization.fake_quant_with_min_max_vars(inputs, -limit, limit, BITS, narrow_range=True)

    def get_config(self) -> dict[str, Any]:
        """No options."""
        return {}


class MovingAverageRange(tfmot.quantization.keras.quantizers.Quantizer):  # type: ignore[misc]
    """A moving average of the minimum and maximum of each batch in training mode."""

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """The two ends of the range, stored with the layer."""
        return {
            end: layer.add_weight(f"{name}_{end}", (), initializer="zeros", trainable=False)
            for end in ("min", "max")
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The activations, quantized to 256 levels of the range."""
        low, high = weights["min"], weights["max"]
        if training:
            low = low.assign(_updated(low, tf.minimum(tf.reduce_min(inputs), 0.0)))
            high = high.assign(_updated(high, tf.maximum(tf.reduce_max(inputs), 1e-6)))
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, BITS)

    def get_config(self) -> dict[str, Any]:
        """No options."""
        return {}


class LayerQuantization(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """Quantizes a weight attribute, the activation and the output of a layer; each is optional."""

    def __init__(self, weight: str = "", activation: bool = False, output: bool = False) -> None:
        self.weight, self.activation, self.output = weight, activation, output

    def get_weights_and_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """The named weight, if any."""
        return [(getattr(layer, self.weight), SymmetricWeights())] if self.weight else []

    def get_activations_and_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """The layer's activation function, if its output is quantized."""
        return [(layer.activation, MovingAverageRange())] if self.activation else []

    def set_quantize_weights(self, layer: keras.layers.Layer, quantize_weights: list[Any]) -> None:
        """Replace the weight by the quantized one."""
        if self.weight:
            setattr(layer, self.weight, quantize_weights[0])

    def set_quantize_activations(self, layer: keras.layers.Layer, quantize_activations: list[Any]) -> None:
        """Replace the activation by the quantizing one."""
        if self.activation:
            layer.activation = quantize_activations[0]

    def get_output_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        """The quantizer of the output, if it is quantized."""
        return [MovingAverageRange()] if self.output else []

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"weight": self.weight, "activation": self.activation, "output": self.output}


def quantization_of(layer: keras.layers.Layer) -> LayerQuantization | None:
    """The quantize config of this layer; None leaves it in float."""
    if isinstance(layer, keras.layers.Embedding):
        return None if layer.name.endswith("_bias") else LayerQuantization(weight="embeddings")
    if isinstance(layer, keras.layers.Dense):
        return None if layer.name in HEADS else LayerQuantization(weight="kernel", activation=True)
    if layer.name == "tower_input":  # its inputs take its scale and are not quantized separately
        return LayerQuantization(output=True)
    return None


def fake_quantized(model: keras.Model) -> keras.Model:
    """A fake-quantized copy of ``model``; its activation ranges are not calibrated yet (see calibrate)."""

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        copy = layer.__class__.from_config(layer.get_config())
        config = quantization_of(layer)
        return QuantizeWrapperV2(copy, config) if config else copy

    wrapped = keras.models.clone_model(model, clone_function=wrap)
    by_name = {_unwrapped_name(layer): layer for layer in wrapped.layers}
    for layer in model.layers:
        _copy_weights(layer, by_name[layer.name])
    return wrapped


def _unwrapped_name(layer: keras.layers.Layer) -> str:
    return str(layer.layer.name if isinstance(layer, QuantizeWrapperV2) else layer.name)


def _copy_weights(layer: keras.layers.Layer, target: keras.layers.Layer) -> None:
    # Matched by the last part of the name (kernel, bias, embeddings), because wrappers reorder weights.
    values = {_last_part(weight): weight for weight in layer.weights}
    for weight in target.trainable_weights:
        weight.assign(values[_last_part(weight)])


def _last_part(weight: tf.Variable) -> str:
    return str(weight.name).rsplit("/", 1)[-1]


def _updated(average: Any, value: Any) -> Any:
    # The first batch sets the range: averaged with the initial zero, it would be too narrow for many steps.
    started = tf.not_equal(average, 0.0)
    return tf.where(started, RANGE_DECAY * average + (1.0 - RANGE_DECAY) * value, value)
