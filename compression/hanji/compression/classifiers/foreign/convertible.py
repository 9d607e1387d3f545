"""Whether a network can be exported at all, found out before any training."""

from __future__ import annotations

import warnings

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
    variables = tf.Module()
    variables.kept = list(model.variables)
    problem = None
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hold_back_banner(tf.lite.Interpreter)  # the converter creates an interpreter
        try:
            concrete = [network.get_concrete_function()]
            content = tf.lite.TFLiteConverter.from_concrete_functions(concrete, variables).convert()
            check_tflite(content, "as TensorFlow Lite")
        except EngineError as error:
            problem = str(error)
        except (ConverterError, ValueError, RuntimeError, TypeError, tf.errors.OpError) as error:
            problem = reason_of(error)
    if problem:
        raise RecipeError(
            f"{where}: expected operations that TensorFlow Lite has and bundles may contain, but the network "
            f"was rejected: {problem}. Use float32 layers of convolution, Dense, pooling, normalization and "
            "activation; build recurrent layers with unroll=True"
        )


__all__ = ["expect_convertible"]
