"""Functional tf_keras models with one interface: (user, item) → logit; and the history model.

All but the history model (models/history.py) take a list of two int32 vectors of indices, ``[user, item]``,
each [B], and return float32 logits [B, 1]. The last layer of the neural models is a Dense layer named
``head``. Scores are logits rather than probabilities, because the probabilities at the top of a list would be
indistinguishable in 8 bits.
"""

from __future__ import annotations

from typing import Any

import tf_keras as keras

from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

HEADS = ("head", "gmf_head")
"""Names of the layers that compute the logit; they are never pruned or quantized."""

Tensor = Any


def build_model(config: ModelConfig, *, users: int, items: int) -> keras.Model:
    """The untrained model of ``config``; a history model does not depend on ``users``."""
    if config.type == "history":
        return HistoryModel(config, items)
    user = keras.Input((), dtype="int32", name="user")
    item = keras.Input((), dtype="int32", name="item")
    tables = _Tables(config, users, items, user, item)
    build = {"neumf": _neumf, "gmf": _gmf, "mlp": _mlp, "ncf": _ncf, "mf": _mf}[config.type]
    logits = build(config, tables)
    return keras.Model([user, item], logits, name=config.type)


class _Tables:
    """Looks up user and item in a pair of embedding tables, with the configured dropout."""

    def __init__(self, config: ModelConfig, users: int, items: int, user: Tensor, item: Tensor) -> None:
        self.config, self.counts, self.inputs = config, (users, items), (user, item)

    def lookup(self, tower: str, size: int, *, dropout: bool = True) -> tuple[Tensor, Tensor]:
        """Rows [B, size] of ``user_<tower>`` and ``item_<tower>``."""
        user, item = (
            self._rows(f"{side}_{tower}", count, size, ids, dropout)
            for side, count, ids in zip(("user", "item"), self.counts, self.inputs, strict=True)
        )
        return user, item

    def _rows(self, name: str, count: int, size: int, ids: Tensor, dropout: bool) -> Tensor:
        penalty, rate = self.config.embedding_regularization, self.config.embedding_dropout
        rows = keras.layers.Embedding(
            count,
            size,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=self.config.embedding_stddev),
            # Keras divides activity penalties by the batch size, so this one is per sample, not per table.
            activity_regularizer=keras.regularizers.L2(penalty) if penalty else None,
            name=name,
        )(ids)
        return keras.layers.Dropout(rate, name=f"{name}_dropout")(rows) if dropout and rate else rows


def _neumf(config: ModelConfig, tables: _Tables) -> Tensor:
    """GMF and MLP towers fused by the head (He et al. 2017, Neural Collaborative Filtering).

    The paper's single head over both towers is written as the sum of its two halves: a concatenation would
    force a shared 8-bit scale on two towers with different ranges.
    """
    from_gmf = keras.layers.Dense(1, use_bias=False, name="gmf_head")(_gmf_tower(config, tables))
    from_mlp = keras.layers.Dense(1, name="head")(_mlp_tower(config, tables))
    return keras.layers.Add(name="logit")([from_gmf, from_mlp])


def _gmf(config: ModelConfig, tables: _Tables) -> Tensor:
    """The GMF tower alone."""
    return keras.layers.Dense(1, name="head")(_gmf_tower(config, tables))


def _mlp(config: ModelConfig, tables: _Tables) -> Tensor:
    """The MLP tower alone."""
    return keras.layers.Dense(1, name="head")(_mlp_tower(config, tables))


def _gmf_tower(config: ModelConfig, tables: _Tables) -> Tensor:
    return keras.layers.Multiply(name="gmf")(list(tables.lookup("gmf", config.embedding_size)))


def _mlp_tower(config: ModelConfig, tables: _Tables) -> Tensor:
    pair = tables.lookup("mlp", config.mlp_embedding_size)
    return _hidden_layers(config, keras.layers.Concatenate(name="tower_input")(list(pair)))


def _ncf(config: ModelConfig, tables: _Tables) -> Tensor:
    """One tower over [user, item, user ∘ item]."""
    user, item = tables.lookup("embedding", config.embedding_size)
    product = keras.layers.Multiply(name="product")([user, item])
    joined = keras.layers.Concatenate(name="tower_input")([user, item, product])
    return keras.layers.Dense(1, name="head")(_hidden_layers(config, joined))


def _mf(config: ModelConfig, tables: _Tables) -> Tensor:
    """User · item plus a bias of each (Koren et al. 2009); the global bias is part of the item bias."""
    user, item = tables.lookup("factors", config.embedding_size)
    product = keras.layers.Dot(axes=1, name="dot")([user, item])
    biases = tables.lookup("bias", 1, dropout=False)
    return keras.layers.Add(name="logit")([product, *biases])


def _hidden_layers(config: ModelConfig, x: Tensor) -> Tensor:
    for index, units in enumerate(config.hidden_units):
        activation = None if config.batch_normalization else "relu"
        x = keras.layers.Dense(units, activation=activation, name=f"hidden_{index}")(x)
        if config.batch_normalization:
            x = keras.layers.BatchNormalization(name=f"hidden_{index}_norm")(x)
            x = keras.layers.ReLU(name=f"hidden_{index}_relu")(x)
        if config.dropout:
            x = keras.layers.Dropout(config.dropout, name=f"hidden_{index}_dropout")(x)
    return x
