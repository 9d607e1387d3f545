"""Operations that TF.js lacks or computes differently, in terms of those that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from tensorflow.core.framework.node_def_pb2 import NodeDef


class Emitter(Protocol):
    """The part of a Walk that rewriting needs."""

    def operation(self, op: str, *inputs: str, **flags: bool) -> str:
        """Add an operation and return its name."""
        ...

    def constant_of(self, values: Any) -> str:
        """The name of a weight with these values."""
        ...

    def rank_of(self, node: NodeDef) -> int:
        """The rank of the first output of a node."""
        ...


Rewrite = Callable[[Emitter, NodeDef, Sequence[str]], str]
"""Emits a node whose inputs have these names, and returns the name of its output."""


def rewrite_of(node: NodeDef) -> Rewrite | None:
    """How to emit ``node`` for TF.js; None if TF.js runs it as it is."""
    if node.op == "FusedBatchNormV3":
        return _batch_statistics if node.attr["is_training"].b else None
    return _REWRITES.get(node.op)


def _erfc(walk: Emitter, node: NodeDef, inputs: Sequence[str]) -> str:
    """1 − erf x, of the exact GELU."""
    return walk.operation("Sub", walk.constant_of(np.float32(1)), walk.operation("Erf", inputs[0]))


def _softsign(walk: Emitter, node: NodeDef, inputs: Sequence[str]) -> str:
    """x / (1 + |x|)."""
    one = walk.constant_of(np.float32(1))
    return walk.operation(
        "RealDiv", inputs[0], walk.operation("AddV2", walk.operation("Abs", inputs[0]), one)
    )


def _batch_statistics(walk: Emitter, node: NodeDef, inputs: Sequence[str]) -> str:
    """A normalization by the statistics of its own input, as Keras computes LayerNormalization.

    TF.js would normalize with the stored statistics, which such a node does not have.
    """
    values, scale, offset = inputs[:3]
    channels = 1 if node.attr["data_format"].s == b"NCHW" else walk.rank_of(node) - 1
    others = [axis for axis in range(walk.rank_of(node)) if axis != channels]
    axes = walk.constant_of(np.array(others, np.int32))
    shape = walk.constant_of(
        np.array([-1 if axis == channels else 1 for axis in range(len(others) + 1)], np.int32)
    )

    centred = walk.operation("Sub", values, walk.operation("Mean", values, axes, keep_dims=True))
    variance = walk.operation("Mean", walk.operation("Square", centred), axes, keep_dims=True)
    epsilon = walk.constant_of(np.float32(node.attr["epsilon"].f))
    factor = walk.operation("Rsqrt", walk.operation("AddV2", variance, epsilon))
    factor = walk.operation("Mul", factor, walk.operation("Reshape", scale, shape))
    normalized = walk.operation("Mul", centred, factor)
    return walk.operation("AddV2", normalized, walk.operation("Reshape", offset, shape))


_REWRITES: dict[str, Rewrite] = {"Erfc": _erfc, "Softsign": _softsign}

__all__ = ["rewrite_of"]
