"""Whether a network can be exported at all, found out before any training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.lite.python.convert_phase import ConverterError

from hanji.compression.classifiers.networks import without_xla
from hanji.runtime.engines.banner import hold_back_banner
from hanji.runtime.engines.tflite_file import check_tflite
from hanji.runtime.errors import EngineError
from hanji.training.errors import RecipeError
from hanji.training.quiet import quiet
from hanji.training.reasons import reason_of


def expect_convertible(model: keras.Model, where: str) -> None:
    """RecipeError, naming ``where`` the model comes from, if no bundle can hold ``model``.

    That is one that TensorFlow Lite's converter rejects, or that becomes an operator which loaders refuse.
    ``model`` maps images float32 [B, h, w, c] to logits; it is converted in float32, for one image.
    """
    shape = [1, *model.input_shape[1:]]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)], autograph=False)  # type: ignore[untyped-decorator]
    def network(image: tf.Tensor) -> tf.Tensor:
        with without_xla(model):
            return model(image, training=False)

    # If the converter were given the model itself, it would save every layer as a function of its own, which
    # takes longer than everything else; only the variables have to be kept.
    float_tflite(network.get_concrete_function(), list(model.variables), where)


def float_tflite(concrete: Any, variables: Sequence[Any], where: str) -> bytes:
    """A concrete function of one image as a float32 ``.tflite`` file; ``variables`` are those that it reads.

    RecipeError as for ``expect_convertible``.
    """
    kept = tf.Module()
    kept.variables_ = list(variables)
    problem = None
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hold_back_banner(tf.lite.Interpreter)  # the converter creates an interpreter
        try:
            content = bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], kept).convert())
            check_tflite(content, "as TensorFlow Lite")
            return content
        except EngineError as error:
            problem = str(error)
        except (ConverterError, ValueError, RuntimeError, TypeError, tf.errors.OpError) as error:
            problem = reason_of(error)
    raise RecipeError(
        f"{where}: expected operations that TensorFlow Lite has and bundles may contain, but the network "
        f"was rejected: {problem}. Use float32 layers of convolution, Dense, pooling, normalization and "
        "activation; build recurrent layers with unroll=True"
    )


__all__ = ["expect_convertible", "float_tflite"]
