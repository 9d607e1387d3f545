"""A model of users and items with what depends on the item only computed once, here, at export.

    product   (user ∘ head) · items                        the item table as it is, one matrix-vector product
    tower     relu(user @ user kernel + half) → … → head   half = items @ item kernel + bias, [items, hidden_0]
    ncf       as tower, plus items @ (user ∘ product kernel) before the relu

The user's row is looked up once and never repeated. A pair takes its item's row of the same half, so that a
file which answers both questions holds the half in the place of the item table it was made from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from hanji.training.errors import ConversionError

Tensor = Any
_ROW = 1024  # floats


class Precomputed(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """Logits of ``model``: its ``catalogue`` for a user, and of ``pairs``.

    ``model`` is one of hanji's kinds, without batch normalization and without rounding; ConversionError for
    any other. ``wide`` lays many items side by side in the half, which ONNX Runtime adds the user to in
    a third of the time; it is for a file without pairs, which would need the half in both shapes.
    """

    def __init__(self, model: keras.Model, *, wide: bool = False) -> None:
        super().__init__(name="precomputed")
        names = {layer.name for layer in model.layers}
        products = [table for table in ("gmf", "factors") if f"item_{table}" in names]
        towers = [table for table in ("mlp", "embedding") if f"item_{table}" in names]
        rounding_or_norm = [name for name in names if name.startswith("quant") or name.endswith("_norm")]
        if not products + towers or rounding_or_norm:
            raise ConversionError(
                f"{model.name}: expected a neumf, gmf, mlp, ncf or mf model with its batch normalization folded "
                f"and without rounding, found the layers {', '.join(sorted(names))}; compress it with hanji first"
            )
        self.parts = [_Product(model, table) for table in products]
        self.parts += [_Tower(model, table, wide) for table in towers]

    def catalogue(self, user: Tensor) -> Tensor:
        """Float32 [items] for ``user`` int32 [1]."""
        scores = [part.catalogue(user) for part in self.parts]
        return scores[0] if len(scores) == 1 else scores[0] + scores[1]

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        """Float32 [B] for ``user`` and ``item``, int32 [B]."""
        scores = [part.pairs(user, item) for part in self.parts]
        return scores[0] if len(scores) == 1 else scores[0] + scores[1]


class _Product(tf.Module):  # type: ignore[misc]
    """Products of the user's row with the items', weighted by a head (gmf), or with biases (mf)."""

    def __init__(self, model: keras.Model, table: str) -> None:
        super().__init__()
        self.users, self.items = _tables(model, table)
        self.biases = _tables(model, "bias") if table == "factors" else ()
        names = {layer.name for layer in model.layers}
        heads = [name for name in ("gmf_head", "head") if name in names]
        self.head = model.get_layer(heads[0]) if heads else None

    def catalogue(self, user: Tensor) -> Tensor:
        row = tf.gather(self.users, user)
        if self.head is not None:
            row *= tf.transpose(self.head.kernel)
        scores = _flat(tf.matmul(row, self.items, transpose_b=True))
        if self.biases:
            of_users, of_items = self.biases
            scores += _flat(tf.identity(of_items))
            scores += _flat(tf.gather(of_users, user))
        return self._with_bias(scores)

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        products = tf.gather(self.users, user) * tf.gather(self.items, item)
        if self.head is not None:
            return self._with_bias(_flat(tf.matmul(products, self.head.kernel)))
        of_users, of_items = self.biases
        biases = _flat(tf.gather(of_users, user)) + _flat(tf.gather(of_items, item))
        return tf.reduce_sum(products, axis=1) + biases

    def _with_bias(self, scores: Tensor) -> Tensor:
        return scores if self.head is None or not self.head.use_bias else scores + self.head.bias


class _Tower(tf.Module):  # type: ignore[misc]
    """Hidden layers over [user, item] (mlp), or over [user, item, user ∘ item] (ncf)."""

    def __init__(self, model: keras.Model, table: str, wide: bool) -> None:
        super().__init__()
        self.users, self.items = _tables(model, table)
        first, *self.layers = _hidden(model)
        kernel, bias = first.get_weights()
        self.count, size = self.items.shape
        self.units = len(bias)
        half = _product(self.items.numpy(), kernel[size : 2 * size], bias)
        self.product_kernel = tf.Variable(kernel[2 * size :].T) if table == "embedding" else None
        self.side_by_side = max(_ROW // self.units, 1) if wide and self.product_kernel is None else 1
        self.user_kernel = tf.Variable(kernel[:size])
        self.half = tf.Variable(_side_by_side(half, self.side_by_side))

    def catalogue(self, user: Tensor) -> Tensor:
        row, half = tf.gather(self.users, user), tf.identity(self.half)
        if self.product_kernel is not None:
            half += tf.matmul(self.items, row * self.product_kernel, transpose_b=True)
        straight = tf.matmul(row, self.user_kernel)
        if self.side_by_side == 1:
            return self._above(tf.nn.relu(straight + half))
        hidden = tf.nn.relu(tf.tile(straight, [1, self.side_by_side]) + half)
        return self._above(tf.reshape(hidden, [-1, self.units]))[: self.count]

    def pairs(self, user: Tensor, item: Tensor) -> Tensor:
        rows = tf.gather(self.users, user)
        straight = tf.matmul(rows, self.user_kernel) + tf.gather(self.half, item)
        if self.product_kernel is not None:
            products = rows * tf.gather(self.items, item)
            straight += tf.matmul(products, self.product_kernel, transpose_b=True)
        return self._above(tf.nn.relu(straight))

    def _above(self, hidden: Tensor) -> Tensor:
        """Float32 [n] from the first hidden layer [n, units]."""
        *between, head = self.layers
        for layer in between:
            hidden = tf.nn.relu(tf.matmul(hidden, layer.kernel) + layer.bias)
        # A reshape and no slice: LiteRT's delegate takes no slice, and would stop there.
        return _flat(tf.matmul(hidden, head.kernel) + head.bias)


def _tables(model: keras.Model, table: str) -> tuple[Any, Any]:
    """The users' and the items' rows, [users, size] and [items, size]."""
    user, item = (model.get_layer(f"{side}_{table}").embeddings for side in ("user", "item"))
    return user, item


def _hidden(model: keras.Model) -> list[keras.layers.Dense]:
    """The layers of the tower from the first to the head."""
    names = {layer.name for layer in model.layers}
    count = next(index for index in range(len(names) + 1) if f"hidden_{index}" not in names)
    return [model.get_layer(name) for name in (*(f"hidden_{index}" for index in range(count)), "head")]


def _product(
    table: npt.NDArray[np.float32], kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """``table @ kernel + bias``, rounded once, so that every machine gets the same bits."""
    exact = table.astype(np.float64) @ kernel.astype(np.float64) + bias
    return exact.astype(np.float32)


def _side_by_side(rows: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """``rows`` [n, size] as [⌈n / count⌉, count · size], filled with zeros."""
    filled = np.pad(rows, ((0, -len(rows) % count), (0, 0)))
    return filled.reshape(-1, count * rows.shape[1])


def _flat(scores: Tensor) -> Tensor:
    return tf.reshape(scores, [-1])


__all__ = ["Precomputed"]
