"""Converts a classifier to a TF.js graph model.

The input is ``image`` int32 [1, h, w, c], the output ``probabilities`` float32 [1, classes].

TF.js computes in float32 whatever dtype the weights are stored in: quantization reduces the download size,
not the latency. In a QAT network, activations are rounded as its FakeQuant operations do.
"""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers.signature_names import IMAGE, PROBABILITIES
from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tfjs_layers import LayerWalk
from hanji.export.classifiers.precision import PRECISIONS
from hanji.export.formats.tfjs import graph_model
from hanji.runtime.manifest import ImageInput


def convert_classifier_tfjs(
    model: keras.Model, image_input: ImageInput, temperature: float, scheme: ImageScheme
) -> dict[str, bytes]:
    """The files by name: ``model.json`` and ``.bin`` shards.

    Raises ConversionError for a FakeQuant operation with an empty range.
    """
    network = ClassifySignature(model, image_input, temperature, dtype=tf.int32)
    inputs = {IMAGE: (1, *image_input.shape)}
    outputs = {PROBABILITIES: (1, int(model.output_shape[-1]))}
    int8_weights = PRECISIONS["tfjs"][scheme] == "int8-weights"
    walk = LayerWalk(network.classify, inputs, outputs, int8_weights=int8_weights)
    return graph_model(walk.graph(), "float16" if scheme == "float16" else "float32")


__all__ = ["convert_classifier_tfjs"]
