"""A classifier to a TF.js graph model.

``image`` int32 [1, h, w, c] gives ``probabilities`` float32 [1, classes].

TF.js computes in float32 whatever the weights are stored in: fewer bits make the download smaller, not the
work. A network with FakeQuant operations of its own rounds its activations as they do.
"""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.names import IMAGE, PROBABILITIES
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tfjs_layers import LayerWalk
from hanji.export.classifiers.precision import PRECISIONS
from hanji.export.formats.tfjs import graph_model
from hanji.runtime.manifest import ImageInput


def convert_classifier_tfjs(
    model: keras.Model, image_input: ImageInput, temperature: float, scheme: ImageScheme
) -> dict[str, bytes]:
    """The files by name, ``model.json`` and ``.bin`` shards.

    Raises ConversionError for a FakeQuant without a range.
    """
    network = ClassifySignature(model, image_input, temperature, dtype=tf.int32)
    inputs = {IMAGE: (1, *image_input.shape)}
    outputs = {PROBABILITIES: (1, int(model.output_shape[-1]))}
    in_bytes = PRECISIONS["tfjs"][scheme] == "int8-weights"
    walk = LayerWalk(network.classify, inputs, outputs, in_bytes=in_bytes)
    return graph_model(walk.graph(), "float16" if scheme == "float16" else "float32")


__all__ = ["convert_classifier_tfjs"]
