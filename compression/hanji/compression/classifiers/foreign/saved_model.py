"""A SavedModel as a Keras network: it computes, but nobody can look into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from hanji.training.errors import DataError

SIGNATURE = "serving_default"
_LEAST_PROBABILITY = 1e-7


class SavedModelLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Float32 [B, h, w, c] → what the SavedModel's signature gives, [B, classes]; its weights stay.

    Raises DataError where the directory holds no SavedModel with one input and one output.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(name="saved_model", trainable=False)
        module = _loaded(directory)
        self._own_variables = list(module.variables)  # Keras counts what it finds in a list
        self._frozen = convert_variables_to_constants_v2(_signature(module, directory))
        self._compiled = tf.function(self._operations)

    def call(self, x: Any) -> Any:
        """The only output of the signature."""
        return self._compiled(x) if tf.executing_eagerly() else self._operations(x)

    def _operations(self, x: Any) -> Any:
        # One by one in the caller's graph: in a function of their own the converter loses their names, by
        # which export tells the network from what lies around it.
        (image,), (output,) = self._frozen.inputs, self._frozen.outputs
        results = tf.graph_util.import_graph_def(
            self._frozen.graph.as_graph_def(),
            input_map={image.name: tf.cast(x, image.dtype)},
            return_elements=[output.name],
            name="operations",
        )
        return results[0]


def network_of_saved_model(directory: Path, shape: tuple[int, int, int]) -> keras.Model:
    """Pictures float32 [B, *shape] → logits float32 [B, classes].

    Where the SavedModel gives probabilities, their logarithms are the logits.
    """
    image = keras.Input(shape, dtype="float32", name="image")
    output = SavedModelLayer(directory)(image)
    if len(output.shape) != 2:
        raise DataError(f"{directory}: expected an output [B, classes], found {output.shape}")
    if _gives_probabilities(keras.Model(image, output), shape):
        output = keras.layers.Lambda(logits_of, name="logits")(output)
    return keras.Model(image, output, name="saved_model")


def logits_of(probabilities: Any) -> Any:
    """Logits whose softmax are the ``probabilities``."""
    return tf.math.log(tf.maximum(probabilities, _LEAST_PROBABILITY))


def input_shape_of(directory: Path) -> tuple[int | None, ...]:
    """The shape of the signature's input, None where any size goes: (B, h, w, c)."""
    signature = _signature(_loaded(directory), directory)
    (spec,) = signature.structured_input_signature[1].values()
    return tuple(spec.shape)


def _gives_probabilities(network: keras.Model, shape: tuple[int, int, int]) -> bool:
    tries = tf.random.stateless_uniform([4, *shape], seed=[0, 0], minval=-1.0, maxval=1.0)
    found = network(tries, training=False).numpy()
    return bool((found >= 0.0).all() and abs(found.sum(axis=1) - 1.0).max() < 1e-3)


def _loaded(directory: Path) -> Any:
    try:
        return tf.saved_model.load(str(directory))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise DataError(f"{directory}: not a SavedModel that TensorFlow can load: {error}") from error


def _signature(module: Any, directory: Path) -> Any:
    signatures = dict(module.signatures)
    function = signatures.get(SIGNATURE) or (
        next(iter(signatures.values())) if len(signatures) == 1 else None
    )
    if function is None:
        raise DataError(
            f"{directory}: expected a signature {SIGNATURE!r}, found {', '.join(signatures) or 'none'}; "
            "save the model with one"
        )
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise DataError(
            f"{directory}: expected a signature of one picture and one output, found the inputs "
            f"{', '.join(inputs)} and the outputs {', '.join(outputs)}"
        )
    return function


__all__ = ["SavedModelLayer", "input_shape_of", "logits_of", "network_of_saved_model"]
