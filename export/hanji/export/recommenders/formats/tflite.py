"""Converts a Keras model to TFLite: one file with both signatures, which share one copy of the weights.

Inputs are int32 and scores float32 under every scheme; the ranges of ``int8`` are those of the model's
FakeQuant operations.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.tflite import conversion_errors, converter_of
from hanji.export.recommenders.formats.signatures import SIGNATURES, Signatures, precomputed_signatures

_LAYERS = "Embedding, Dense, Multiply and Concatenate"


def convert_tflite(
    model: keras.Model, items: int, scheme: Scheme, *, only: Sequence[str] = SIGNATURES
) -> bytes:
    """The ``.tflite`` file of ``model`` under ``scheme``, with the signatures in ``only``.

    Raises ConversionError if TensorFlow's converter rejects the model.
    """
    precomputed = precomputed_signatures(scheme, only)
    functions = Signatures(model, items, separate_lookups=scheme == "dynamic", precomputed=precomputed)
    return convert_functions(functions, scheme, only)


def convert_functions(functions: tf.Module, scheme: Scheme, only: Sequence[str]) -> bytes:
    """The ``.tflite`` file of the signatures ``only``, which are functions of ``functions``."""
    with converter_of(functions, only) as converter, conversion_errors(scheme, _LAYERS):
        if scheme != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


__all__ = ["convert_functions", "convert_tflite"]
