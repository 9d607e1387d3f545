"""The two signatures of a model of users and items, as TensorFlow functions over one Keras model.

    catalogue   user int32 [1]                  → scores float32 [items]
    pairs       user int32 [B], item int32 [B]  → scores float32 [B]

Scores are logits, in the order of the model's item indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras as keras

from hanji.compression.recommenders.steps import Scheme
from hanji.export.recommenders.formats.precomputed import Precomputed, precomputable

SIGNATURES = ("catalogue", "pairs")


class Signatures(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """``catalogue`` and ``pairs`` of a model with inputs user [B], item [B] and output logits [B, 1].

    ``separate_lookups`` prevents constant folding of the look-up of all items: a converter that folds it and
    quantizes only look-up tables would store the item tables twice. ``precomputed`` are the signatures that
    use precomputed item terms (see ``precomputed_signatures``); the others run the model as trained. A model
    that is not ``precomputable`` always runs as trained, which gives the same scores more slowly.
    """

    def __init__(
        self,
        model: keras.Model,
        items: int,
        *,
        separate_lookups: bool = False,
        precomputed: Sequence[str] = (),
    ) -> None:
        super().__init__(name="hanji")
        self.model = model
        self.items = items
        self.separate_lookups = separate_lookups
        if not precomputable(model):
            precomputed = ()
        once = Precomputed(model) if precomputed else None
        self.of_catalogue = once if "catalogue" in precomputed else None
        self.of_pairs = once if "pairs" in precomputed else None
        self.catalogue = _function(self._catalogue, [_ids("user", 1)])
        self.pairs = _function(self._pairs, [_ids("user"), _ids("item")])

    def _catalogue(self, user: Any) -> dict[str, Any]:
        if self.of_catalogue is not None:
            return {"scores": tf.reshape(self.of_catalogue.catalogue(user), [self.items])}
        items = tf.range(self.items, dtype=tf.int32)
        if self.separate_lookups:
            items += tf.minimum(user, 0)  # always adds 0, as indices are not negative; prevents folding
        return {"scores": self._scores(tf.tile(user, [self.items]), items, self.items)}

    def _pairs(self, user: Any, item: Any) -> dict[str, Any]:
        if self.of_pairs is not None:
            return {"scores": self.of_pairs.pairs(user, item)}
        return {"scores": self._scores(user, item, -1)}

    def _scores(self, users: Any, items: Any, count: int) -> Any:
        """Logits float32 [count]."""
        logits = self.model({"user": users, "item": items}, training=False)
        return tf.reshape(logits, [count])


def precomputed_signatures(scheme: Scheme, together: Sequence[str] = SIGNATURES) -> tuple[str, ...]:
    """Which of the signatures ``together`` in one file use precomputed item terms.

    Under ``float32`` and ``float16`` the catalogue does, and so do pairs in the same file, so that both share
    their weights. Pairs alone are smaller without, but under ``float16`` they would then be rounded at a
    different point than the catalogue. ``dynamic`` and ``int8`` run the model as trained: quantization ranges
    belong to whole layers, and half a layer has none.
    """
    shared = scheme == "float32" and "catalogue" in together
    return tuple(together) if shared or scheme == "float16" else ()


def _function(python_function: Any, inputs: list[Any]) -> Any:
    return tf.function(python_function, input_signature=inputs, autograph=False)


def _ids(name: str, count: int | None = None) -> Any:
    return tf.TensorSpec([count], tf.int32, name)


__all__ = ["SIGNATURES", "Signatures", "precomputed_signatures"]
