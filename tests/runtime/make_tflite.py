"""Writes the test model as one .tflite file with both signatures: make_tflite.py WEIGHTS.npz MODEL.tflite

A program of its own, so that the tests themselves never import TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


class Model(tf.Module):
    """score = users · items + bias."""

    def __init__(self, users: np.ndarray, items: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.users = tf.constant(users)
        self.items = tf.constant(items)
        self.bias = tf.constant(bias)

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int32, name="user")])
    def catalogue(self, user: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = tf.matmul(tf.gather(self.users, user), self.items, transpose_b=True)
        return {"scores": tf.reshape(scores, [-1]) + self.bias}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32, name="user"),
            tf.TensorSpec([None], tf.int32, name="item"),
        ]
    )
    def pairs(self, user: tf.Tensor, item: tf.Tensor) -> dict[str, tf.Tensor]:
        products = tf.gather(self.users, user) * tf.gather(self.items, item)
        return {"scores": tf.reduce_sum(products, axis=-1) + tf.gather(self.bias, item)}


def main(weights_path: Path, model_path: Path) -> None:
    weights = np.load(weights_path, allow_pickle=False)
    model = Model(weights["users"], weights["items"], weights["bias"])
    saved = str(model_path.with_suffix(""))
    tf.saved_model.save(model, saved, signatures={"catalogue": model.catalogue, "pairs": model.pairs})
    converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=["catalogue", "pairs"])
    model_path.write_bytes(converter.convert())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
