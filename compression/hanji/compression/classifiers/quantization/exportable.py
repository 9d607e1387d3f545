"""Whether a network can still be exported after quantization-aware training, found out before it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.lite.python.convert_phase import ConverterError

from hanji.compression.classifiers.networks import named_variables
from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError
from hanji.training.quiet import quiet


def export_obstacle(quantized: keras.Model) -> str | None:
    """Why TensorFlow Lite's converter rejects a network of ``quantization_aware``; None if it does not.

    Sets all activation ranges, each to another one: ranges that agree by chance would hide that they must. The
    converter runs in a child process, which it may crash.
    """
    _spread_ranges(quantized)
    with tempfile.TemporaryDirectory(prefix="hanji-exportable-") as directory:
        _save(quantized, directory)
        try:
            call_in_child(
                f"{__name__}:convert",
                {"directory": directory},
                what="TensorFlow Lite's converter",
                hint="its layers are of kinds that it cannot quantize",
            )
        except ConversionError as error:
            return str(error)
    return None


def convert(directory: str) -> None:
    """Convert the SavedModel in ``directory``, in the child process; ConversionError if it is rejected."""
    with quiet():
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        try:
            converter.convert()
        except (ConverterError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ConversionError(_reason(str(error))) from error


def _reason(message: str) -> str:
    """The end of the line that names the operation; what precedes it is a chain of call sites."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    named = next((line for line in lines if "error:" in line), lines[0] if lines else "no reason given")
    return named.rpartition("): ")[2][:300]


def _spread_ranges(quantized: keras.Model) -> None:
    for index, (name, variable) in enumerate(named_variables(quantized).items()):
        if name.endswith(("_min", "_max")) and not variable.shape.rank:
            size = 1.0 + 0.01 * index
            variable.assign(-size if name.endswith("_min") else size)


def _save(quantized: keras.Model, directory: str) -> None:
    """Save the network as a function, without Keras's layers, which would take most of the time."""
    module = tf.Module()
    module.values = list(quantized.variables)
    shape = [1, *quantized.input_shape[1:]]
    call: Any = tf.function(
        lambda image: {"logits": quantized(image, training=False)},
        input_signature=[tf.TensorSpec(shape, tf.float32, "image")],
        autograph=False,
    )
    with quiet():
        tf.saved_model.save(module, str(Path(directory)), signatures=call.get_concrete_function())


__all__ = ["convert", "export_obstacle"]
