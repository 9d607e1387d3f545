"""A SavedModel as an opaque Keras network: it can be called, but has no layers to rewrite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.eager import context

from hanji.compression.classifiers.foreign.frozen import FrozenGraph, frozen
from hanji.compression.classifiers.foreign.head import Head, before_activation, logits_of
from hanji.training.classifiers.untrusted.saved_model import expect_known_saved_model
from hanji.training.errors import DataError

SIGNATURE = "serving_default"
_ACTIVATION: dict[Head, str] = {"probabilities": "Softmax", "binary probability": "Sigmoid"}


class SavedModelLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Float32 [B, h, w, c] → the output of the SavedModel's signature, [B, units]; its weights are frozen.

    A final softmax or sigmoid is left out, as far as the ``head`` says that the output is one: see
    ``head``, that of the output.
    """

    def __init__(self, directory: Path, head: Head, units: int) -> None:
        super().__init__(name="saved_model", trainable=False)
        signature = signature_of(directory, str(directory))
        self._own_variables = list(signature.function.variables)  # in a list, so that Keras tracks them
        self._graph = frozen(signature.function, str(directory))
        for function in self._graph.definition.library.function:
            context.context().add_function_def(function)  # bodies of loops, for calls outside of export
        self._output, self.head = _without_activation(self._graph, head)
        # A signature for a batch of one is called image by image.
        self._one_by_one = signature.image.shape.rank is not None and signature.image.shape[0] == 1
        self._units = units
        self._compiled = tf.function(self._batch)

    def call(self, x: Any) -> Any:
        """The output of the signature."""
        return self._compiled(x) if tf.executing_eagerly() else self._batch(x)

    def _batch(self, x: Any) -> Any:
        if self._one_by_one and x.shape[0] != 1:
            return tf.map_fn(lambda image: self._operations(image[None])[0], x)
        return self._operations(x)

    def _operations(self, x: Any) -> Any:
        # Inlined in the caller's graph: as a separate function, the converter would lose the operation names
        # by which export separates the network from the operations around it.
        results = tf.graph_util.import_graph_def(
            self._graph.definition,
            input_map={self._graph.image: tf.cast(x, self._graph.dtype)},
            return_elements=[self._output],
            name="operations",
        )
        output = tf.cast(results[0], tf.float32)
        output.set_shape([x.shape[0], self._units])  # a signature may not state it
        return output


def network_of_saved_model(
    directory: Path, shape: tuple[int, int, int], head: Head, units: int
) -> keras.Model:
    """Images float32 [B, *shape] → logits float32 [B, classes], of a SavedModel with this head of ``units``.

    Probabilities that no softmax or sigmoid computes become logits by their logarithms.
    """
    image = keras.Input(shape, dtype="float32", name="image")
    layer = SavedModelLayer(directory, head, units)
    return keras.Model(image, logits_of(layer(image), layer.head), name="saved_model")


@dataclass(frozen=True)
class SavedSignature:
    """The function of a SavedModel for images."""

    module: Any
    """The loaded SavedModel: the function does not keep its variables alive."""

    function: Any
    """A concrete function of one input and one output."""

    @property
    def image(self) -> Any:
        """The TensorSpec of its input."""
        (spec,) = self.function.structured_input_signature[1].values()
        return spec

    def __call__(self, image: Any) -> Any:
        """Its output for images of its dtype."""
        (name,) = self.function.structured_input_signature[1]
        (output,) = self.function(**{name: image}).values()
        return output


def signature_of(directory: Path, where: str) -> SavedSignature:
    """The function for images of the SavedModel in ``directory``.

    DataError, naming ``where`` the model comes from, unless it has one such function, of one input and one
    output.
    """
    module = _loaded(directory)
    signatures = dict(module.signatures)
    only = next(iter(signatures.values())) if len(signatures) == 1 else None
    function = signatures.get(SIGNATURE) or only
    if function is None:
        raise DataError(
            f"{where}: expected a signature {SIGNATURE!r}, found {', '.join(signatures) or 'none'}; save the "
            f"model with one: {_SAVING}"
        )
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise DataError(
            f"{where}: expected a signature with one image input and one output, found the inputs "
            f"{', '.join(inputs)} and the outputs {', '.join(outputs)}; save it again with the output of the "
            f"classes alone: {_SAVING}"
        )
    return SavedSignature(module, function)


_SAVING = "tf.saved_model.save(module, DIRECTORY, signatures={'serving_default': function})"


def _loaded(directory: Path) -> Any:
    expect_known_saved_model(directory)
    try:
        return tf.saved_model.load(str(directory))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, tf.errors.OpError) as error:
        raise DataError(f"{directory}: not a SavedModel that TensorFlow can load: {error}") from error


def _without_activation(graph: FrozenGraph, head: Head) -> tuple[str, Head]:
    """The tensor to compute instead of the output, and its head."""
    if graph.last.op != _ACTIVATION.get(head):
        return graph.output, head
    name = graph.last.input[0]
    return (name if ":" in name else f"{name}:0"), before_activation(head)


__all__ = ["SavedModelLayer", "SavedSignature", "network_of_saved_model", "signature_of"]
