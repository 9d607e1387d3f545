"""A SavedModel as an opaque Keras network: it can be called, but has no layers to rewrite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from hanji.training.classifiers.untrusted.saved_model import expect_known_saved_model
from hanji.training.errors import DataError

SIGNATURE = "serving_default"
_MIN_PROBABILITY = 1e-7


class SavedModelLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Float32 [B, h, w, c] → the output of the SavedModel's signature, [B, classes]; its weights are frozen.

    Raises DataError if the directory has no SavedModel with one input and one output.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(name="saved_model", trainable=False)
        module = _loaded(directory)
        self._own_variables = list(module.variables)  # in a list, so that Keras tracks them
        self._frozen = convert_variables_to_constants_v2(_signature(module, directory))
        self._compiled = tf.function(self._operations)

    def call(self, x: Any) -> Any:
        """The output of the signature."""
        return self._compiled(x) if tf.executing_eagerly() else self._operations(x)

    def _operations(self, x: Any) -> Any:
        # Inlined in the caller's graph: as a separate function, the converter would lose the operation names
        # by which export separates the network from the operations around it.
        (image,), (output,) = self._frozen.inputs, self._frozen.outputs
        results = tf.graph_util.import_graph_def(
            self._frozen.graph.as_graph_def(),
            input_map={image.name: tf.cast(x, image.dtype)},
            return_elements=[output.name],
            name="operations",
        )
        return results[0]


def network_of_saved_model(directory: Path, shape: tuple[int, int, int]) -> keras.Model:
    """Images float32 [B, *shape] → logits float32 [B, classes].

    If the SavedModel outputs probabilities, the logits are their logarithms.
    """
    image = keras.Input(shape, dtype="float32", name="image")
    output = SavedModelLayer(directory)(image)
    if len(output.shape) != 2:
        raise DataError(f"{directory}: expected an output [B, classes], found {output.shape}")
    if _outputs_probabilities(keras.Model(image, output), shape):
        output = keras.layers.Lambda(logits_of, name="logits")(output)
    return keras.Model(image, output, name="saved_model")


def logits_of(probabilities: Any) -> Any:
    """Logits whose softmax is ``probabilities``."""
    return tf.math.log(tf.maximum(probabilities, _MIN_PROBABILITY))


def input_shape_of(directory: Path) -> tuple[int | None, ...]:
    """The shape of the signature's input (B, h, w, c), with None for variable dimensions."""
    signature = _signature(_loaded(directory), directory)
    (spec,) = signature.structured_input_signature[1].values()
    return tuple(spec.shape)


def _outputs_probabilities(network: keras.Model, shape: tuple[int, int, int]) -> bool:
    images = tf.random.stateless_uniform([4, *shape], seed=[0, 0], minval=-1.0, maxval=1.0)
    outputs = network(images, training=False).numpy()
    return bool((outputs >= 0.0).all() and abs(outputs.sum(axis=1) - 1.0).max() < 1e-3)


def _loaded(directory: Path) -> Any:
    expect_known_saved_model(directory)
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
            f"{directory}: expected a signature with one image input and one output, found the inputs "
            f"{', '.join(inputs)} and the outputs {', '.join(outputs)}"
        )
    return function


__all__ = ["SavedModelLayer", "input_shape_of", "logits_of", "network_of_saved_model"]
