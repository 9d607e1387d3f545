"""A model of users and items in which everything that depends on the item only is precomputed at export.

    product   (user ∘ head) · items                       one matrix-vector product with the item table
    tower     relu(user @ user kernel + half) → … → head  half = items @ item kernel + bias
    ncf       as tower, plus items @ (user ∘ product kernel)

The user's row is looked up once and not repeated per item. Pairs look up rows of the same half, so a file
with both signatures stores the half [items, hidden_0] in place of the item table that it was computed from
(ncf needs both).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

Tensor = Any
_PRODUCTS, _TOWERS = ("gmf", "factors"), ("mlp", "embedding")
_LAYERS = {f"{side}_{table}" for side in ("user", "item") for table in (*_PRODUCTS, *_TOWERS, "bias")}
_LAYERS |= {"user", "item", "gmf", "product", "dot", "tower_input", "gmf_head", "head", "logit"}


def precomputable(model: keras.Model) -> bool:
    """Whether ``model`` is a neumf, gmf, mlp, ncf or mf model as built by ``inference_model``.

    Models with fake quantization, batch normalization or custom layers are not supported.
    """
    names = {layer.name for layer in model.layers}
    known = all(name in _LAYERS or re.fullmatch(r"hidden_\d+", name) for name in names)
    return known and any(f"item_{table}" in names for table in (*_PRODUCTS, *_TOWERS))


class Precomputed(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """Logits of a ``precomputable`` model, for the whole catalogue or for single pairs."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="precomputed")
        names = {layer.name for layer in model.layers}
        self.parts = [_Product(model, table) for table in _PRODUCTS if f"item_{table}" in names]
        self.parts += [_Tower(model, table) for table in _TOWERS if f"item_{table}" in names]

    def catalogue(self, user: Tensor) -> Tensor:
        """Float32 [items] for ``user`` int32 [1]."""
        first, *others = (part.catalogue(user) for part in self.parts)
        return sum(others, start=first)

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        """Float32 [B] for ``user`` and ``item``, int32 [B]."""
        first, *others = (part.pairs(user, item) for part in self.parts)
        return sum(others, start=first)


class _Product(tf.Module):  # type: ignore[misc]
    """Dot products of the user's row with the item rows, weighted by a head (gmf) or with biases (mf)."""

    def __init__(self, model: keras.Model, table: str) -> None:
        super().__init__()
        self.users, self.items = _tables(model, table)
        self.biases = _tables(model, "bias") if table == "factors" else None
        names = {layer.name for layer in model.layers}
        heads = [name for name in ("gmf_head", "head") if name in names]
        self.head = model.get_layer(heads[0]) if heads else None

    def catalogue(self, user: Tensor) -> Tensor:
        row = tf.gather(self.users, user)
        if self.head is not None:
            row *= tf.transpose(self.head.kernel)
        scores = _flat(tf.matmul(row, self.items, transpose_b=True))
        if self.biases is not None:
            of_users, of_items = self.biases
            scores += _flat(of_items)
            scores += _flat(tf.gather(of_users, user))
        return self._with_bias(scores)

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        products = tf.gather(self.users, user) * tf.gather(self.items, item)
        if self.head is not None:
            return self._with_bias(_flat(tf.matmul(products, self.head.kernel)))
        scores = tf.reduce_sum(products, axis=1)
        if self.biases is not None:
            of_users, of_items = self.biases
            scores += _flat(tf.gather(of_items, item))
            scores += _flat(tf.gather(of_users, user))
        return scores

    def _with_bias(self, scores: Tensor) -> Tensor:
        return scores if self.head is None or not self.head.use_bias else scores + self.head.bias


class _Tower(tf.Module):  # type: ignore[misc]
    """Hidden layers over [user, item] (mlp), or over [user, item, user ∘ item] (ncf)."""

    def __init__(self, model: keras.Model, table: str) -> None:
        super().__init__()
        self.users, self.items = _tables(model, table)
        first, *self.layers = _hidden(model)
        kernel, bias = first.get_weights()
        size = self.items.shape[1]
        self.user_kernel = tf.Variable(kernel[:size])
        self.half = tf.Variable(_product(self.items.numpy(), kernel[size : 2 * size], bias))
        self.product_kernel = tf.Variable(kernel[2 * size :].T) if table == "embedding" else None

    def catalogue(self, user: Tensor) -> Tensor:
        row = tf.gather(self.users, user)
        straight = tf.matmul(row, self.user_kernel)
        if self.product_kernel is not None:
            # Add the half last: otherwise TFLite's converter also stores a transposed copy of it.
            straight += tf.matmul(self.items, row * self.product_kernel, transpose_b=True)
        return self._upper_layers(tf.nn.relu(straight + self.half))

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        rows = tf.gather(self.users, user)
        straight = tf.matmul(rows, self.user_kernel) + tf.gather(self.half, item)
        if self.product_kernel is not None:
            products = rows * tf.gather(self.items, item)
            straight += tf.matmul(products, self.product_kernel, transpose_b=True)
        return self._upper_layers(tf.nn.relu(straight))

    def _upper_layers(self, hidden: Tensor) -> Tensor:
        """Logits float32 [n] from the first hidden layer's output [n, units]."""
        *between, head = self.layers
        for layer in between:
            hidden = tf.nn.relu(tf.matmul(hidden, layer.kernel) + layer.bias)
        # A reshape instead of a slice, which LiteRT's default delegate does not support.
        return _flat(tf.matmul(hidden, head.kernel) + head.bias)


def _tables(model: keras.Model, table: str) -> tuple[Any, Any]:
    """The users' and the items' rows, [users, size] and [items, size]."""
    user, item = (model.get_layer(f"{side}_{table}").embeddings for side in ("user", "item"))
    return user, item


def _hidden(model: keras.Model) -> list[keras.layers.Dense]:
    """The layers of the tower, from the first to the head."""
    names = {layer.name for layer in model.layers}
    count = next(index for index in range(len(names) + 1) if f"hidden_{index}" not in names)
    return [model.get_layer(name) for name in (*(f"hidden_{index}" for index in range(count)), "head")]


def _product(
    table: npt.NDArray[np.float32], kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """``table @ kernel + bias`` in float64, rounded once, so that the result is the same on every machine."""
    exact = table.astype(np.float64) @ kernel.astype(np.float64) + bias
    return exact.astype(np.float32)


def _flat(scores: Tensor) -> Tensor:
    return tf.reshape(scores, [-1])


__all__ = ["Precomputed", "precomputable"]
