"""Converts a Keras model to a TF.js graph model.

One graph holds both signatures: feeding ``user`` gives ``scores``; feeding ``pair_user`` and ``pair_item``
gives ``pair_scores``.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.tfjs import graph_model
from hanji.export.formats.tfjs_graph import FrozenGraph, Shape, Walk, input_specs
from hanji.export.recommenders.formats.signatures import Signatures, precomputed_signatures

_INPUTS: dict[str, Shape] = {"user": (1,), "pair_user": (None,), "pair_item": (None,)}


def convert_tfjs(model: keras.Model, items: int, scheme: Scheme) -> dict[str, bytes]:
    """The files of the graph model by name: ``model.json`` and one or more ``.bin`` shards."""
    return graph_model(freeze(model, items, precomputed_signatures(scheme)), scheme)


def freeze(model: keras.Model, items: int, precomputed: Sequence[str] = ()) -> FrozenGraph:
    """One graph with the inputs and outputs of both signatures, without duplicate weights.

    ``precomputed`` as in ``Signatures``.
    """
    functions = Signatures(model, items, precomputed=precomputed)
    both = tf.function(
        lambda user, pair_user, pair_item: {
            "scores": functions.catalogue(user)["scores"],
            "pair_scores": functions.pairs(pair_user, pair_item)["scores"],
        },
        input_signature=input_specs(_INPUTS),
        autograph=False,
    )
    return Walk(both, _INPUTS, {"scores": (items,), "pair_scores": (None,)}).graph()


__all__ = ["convert_tfjs", "freeze"]
