"""Whether TensorFlow Lite's converter can quantize a network, found out before any training."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.lite.python.convert_phase import ConverterError

from hanji.compression.classifiers.networks import named_variables, without_xla
from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError
from hanji.training.quiet import quiet
from hanji.training.reasons import reason_of

L = keras.layers
_COMMON = frozenset(
    (
        *(L.InputLayer, L.Conv2D, L.DepthwiseConv2D, L.Dense, L.BatchNormalization, L.ReLU, L.Rescaling),
        *(L.MaxPooling2D, L.AveragePooling2D, L.GlobalAveragePooling2D, L.GlobalMaxPooling2D),
        *(L.ZeroPadding2D, L.Add, L.Multiply, L.Concatenate, L.Flatten, L.Reshape, L.Dropout),
    )
)
"""Layers that the converter is known to calibrate."""

_IMAGES = 2
"""Images of noise for the calibration: whether it succeeds does not depend on them."""


def qat_export_obstacle(quantized: keras.Model) -> str | None:
    """Why the converter rejects a network of ``quantization_aware``; None if it does not.

    Sets all activation ranges, each to another one: ranges that agree by chance would hide that they must.
    """
    _spread_ranges(quantized)
    return _obstacle(quantized, calibrate=False)


def calibration_obstacle(network: keras.Model) -> str | None:
    """Why the converter cannot calibrate and quantize a float ``network``; None if it can.

    A network of common layers can be, and is not tried.
    """
    if all(type(layer) in _COMMON for layer in network.layers):
        return None
    return _obstacle(network, calibrate=True)


def _obstacle(network: keras.Model, *, calibrate: bool) -> str | None:
    """The converter's reason; it runs in a child process, which it may crash."""
    with tempfile.TemporaryDirectory(prefix="hanji-exportable-") as directory:
        _save(network, directory)
        try:
            call_in_child(
                f"{__name__}:convert",
                {"directory": directory, "calibrate": calibrate},
                what="TensorFlow Lite's converter",
                hint="its layers are of kinds that it cannot quantize",
            )
        except ConversionError as error:
            return str(error)
    return None


def convert(directory: str, *, calibrate: bool) -> None:
    """Convert the SavedModel in ``directory``, in the child process.

    ConversionError if the converter rejects it, or LiteRT the result.
    """

    def noise() -> Iterator[dict[str, Any]]:
        signature = tf.saved_model.load(directory).signatures["serving_default"]
        shape = signature.structured_input_signature[1]["image"].shape
        for seed in range(_IMAGES):
            yield {"image": tf.random.stateless_normal(shape, (seed, 0)).numpy()}

    with quiet():
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if calibrate:
            converter.representative_dataset = noise
        try:
            tf.lite.Interpreter(model_content=converter.convert()).allocate_tensors()
        except (ConverterError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ConversionError(reason_of(error)) from error


def _spread_ranges(quantized: keras.Model) -> None:
    for index, (name, variable) in enumerate(named_variables(quantized).items()):
        if name.endswith(("_min", "_max")) and not variable.shape.rank:
            size = 1.0 + 0.01 * index
            variable.assign(-size if name.endswith("_min") else size)


def _save(network: keras.Model, directory: str) -> None:
    """Save the network as a function, without Keras's layers, which would take most of the time."""
    module = tf.Module()
    module.values = list(network.variables)
    image = tf.TensorSpec([1, *network.input_shape[1:]], tf.float32, "image")
    call: Any = tf.function(lambda image: {"logits": network(image, training=False)}, autograph=False)
    with quiet(), without_xla(network):
        tf.saved_model.save(module, directory, signatures=call.get_concrete_function(image))


__all__ = ["calibration_obstacle", "convert", "qat_export_obstacle"]
