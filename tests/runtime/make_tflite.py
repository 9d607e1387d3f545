"""Writes a test model with its signatures as one .tflite file: make_tflite.py WEIGHTS.npz MODEL.tflite

A separate program, so that the tests themselves never import TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
    """score = (sum of the history's rows / √its length) · items + bias; rows are int8, one scale per row."""

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


class ImageModel(tf.Module):
    """softmax((levels - mean) / std · kernel + bias); ``bare`` maps normalized inputs to logits."""

    def __init__(self, weights: Mapping[str, np.ndarray], bare: bool) -> None:
        super().__init__()
        self.kernel, self.bias, self.mean, self.std = (
            tf.constant(weights[name]) for name in ("kernel", "bias", "mean", "std")
        )
        shape = [1, *(int(size) for size in weights["kernel"].shape[:3])]
        spec = tf.TensorSpec(shape, tf.float32 if bare else tf.uint8, name="image")
        self.signatures = ("classify",)
        self.classify = tf.function(self.logits if bare else self.probabilities, input_signature=[spec])

    def logits(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        kernel = tf.reshape(self.kernel, [-1, self.bias.shape[0]])
        return {"logits": tf.matmul(tf.reshape(image, [1, -1]), kernel) + self.bias}

    def probabilities(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        normalized = (tf.cast(image, tf.float32) - self.mean) / self.std
        return {"probabilities": tf.nn.softmax(self.logits(normalized)["logits"])}


def without_signatures(content: bytes) -> bytes:
    """Remove the signatures, as in .tflite files of other tools."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main(weights_path: Path, model_path: Path) -> None:
    weights = np.load(weights_path, allow_pickle=False)
    bare = "bare" in weights and bool(weights["bare"])
    if "users" in weights:
        model = UserModel(weights["users"], weights["items"], weights["bias"])
    elif "kernel" in weights:
        model = ImageModel(weights, bare)
    else:
        model = HistoryModel(weights["rows"], weights["scales"], weights["bias"])
    saved = str(model_path.with_suffix(""))
    signatures = {name: getattr(model, name) for name in model.signatures}
    tf.saved_model.save(model, saved, signatures=signatures)
    converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=list(signatures))
    content = converter.convert()
    model_path.write_bytes(without_signatures(content) if bare else content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
