"""Writes a test model as one .tflite file with both its signatures: make_tflite.py WEIGHTS.npz MODEL.tflite

A program of its own, so that the tests themselves never import TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


class UserModel(tf.Module):
    """score = users · items + bias."""

    signatures = ("catalogue", "pairs")

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


class HistoryModel(tf.Module):
    """score = (sum of the history's rows / √its length) · items + bias; rows are int8 with a scale each."""

    signatures = ("history", "why")

    def __init__(self, rows: np.ndarray, scales: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.rows = tf.constant(rows)
        self.scales = tf.constant(scales[:, None])
        self.bias = tf.constant(bias)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="history")])
    def history(self, history: tf.Tensor) -> dict[str, tf.Tensor]:
        user = tf.reduce_sum(self.weighted(history), axis=0, keepdims=True)
        table = tf.cast(self.rows, tf.float32) * self.scales
        return {"scores": tf.reshape(tf.matmul(user, table, transpose_b=True), [-1]) + self.bias}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32, name="history"),
            tf.TensorSpec([1], tf.int32, name="item"),
        ]
    )
    def why(self, history: tf.Tensor, item: tf.Tensor) -> dict[str, tf.Tensor]:
        shares = tf.matmul(self.weighted(history), self.rows_of(item), transpose_b=True)
        return {"shares": tf.reshape(shares, [-1])}

    def weighted(self, history: tf.Tensor) -> tf.Tensor:
        present = tf.cast(history >= 0, tf.float32)[:, None]
        length = tf.maximum(tf.reduce_sum(present), 1.0)
        return self.rows_of(tf.maximum(history, 0)) * present * tf.math.rsqrt(length)

    def rows_of(self, items: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(self.rows, items), tf.float32) * tf.gather(self.scales, items)


def main(weights_path: Path, model_path: Path) -> None:
    weights = np.load(weights_path, allow_pickle=False)
    if "users" in weights:
        model = UserModel(weights["users"], weights["items"], weights["bias"])
    else:
        model = HistoryModel(weights["rows"], weights["scales"], weights["bias"])
    saved = str(model_path.with_suffix(""))
    signatures = {name: getattr(model, name) for name in model.signatures}
    tf.saved_model.save(model, saved, signatures=signatures)
    converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=list(signatures))
    model_path.write_bytes(converter.convert())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
