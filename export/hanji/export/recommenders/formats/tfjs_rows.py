"""The TF.js graph of a history model with its item table in low-bit rows.

TF.js converts stored bytes to float32 when it loads a model; everything else is computed again in each call.
So operations on the whole table are kept to a minimum: the row scales are multiplied into the scores, not
into the table, and the two halves of packed bytes are never concatenated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.framework.node_def_pb2 import NodeDef

from hanji.export.formats.fake_quant import Grid
from hanji.export.formats.tfjs_graph import Emission, Shape, Walk
from hanji.export.recommenders.formats.row_table import PACKED_CENTRE, RowTable
from hanji.training.errors import ConversionError

_INTEGERS = Grid(1.0, zero_point=128, first=0, last=255)
_PACKED = Grid(1 / 16, zero_point=PACKED_CENTRE, first=0, last=255)
"""A byte is 16 · high + low + 136, with low and high in −7…7: on this grid its value is high + low / 16,
which rounds to ``high``."""


class RowWalk(Walk):
    """A walk that stores the item table, the constant equal to ``table.values``, in low-bit rows."""

    def __init__(
        self, function: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], table: RowTable
    ) -> None:
        super().__init__(function, inputs, outputs)
        self.table = table
        self.values = table.values
        self.items, self.size = table.quantized.shape
        self.half = (self.size + 1) // 2

    def _emitted(self, node: NodeDef, label: str | None) -> Emission:
        inputs = self._inputs(node)
        if node.op == "GatherV2" and self._is_table(inputs[0]):
            return self._rows((yield inputs[1]))
        if node.op == "MatMul" and node.attr["transpose_b"].b and self._is_table(inputs[1]):
            if self.table.bits == 4:
                return self._scaled(self._packed_product((yield inputs[0])))
            return self._scaled(self._product(self._stored(), (yield inputs[0])))
        if not self._is_constant(node.name) and any(map(self._is_table, inputs)):
            raise ConversionError(
                f"TF.js: expected the item table in look-ups and in products with a user vector only, found "
                f"it in {node.op} ({node.name}); export without TF.js"
            )
        return (yield from super()._emitted(node, label))

    def _is_table(self, name: str) -> bool:
        if self.source[name].op != "Const":
            return False
        values = self._value(name)
        return values.shape == self.values.shape and np.array_equal(values, self.values)

    def _rows(self, indices: str) -> str:
        """The dequantized rows at ``indices`` [L], as [L, size]."""
        found = self._gather(self._stored(), indices)
        integers = self._unpacked(found) if self.table.bits == 4 else found
        scales = self._gather(self._add_weight(self.table.scales), indices)
        return self._op("Mul", integers, self._reshape(scales, -1, 1))

    def _unpacked(self, packed: str) -> str:
        high = self._op("Round", packed)
        low = self._op("Mul", self._op("Sub", packed, high), self._add_weight(np.float32(16)))
        both = self._concat(low, high)
        return both if self.size % 2 == 0 else self._columns(both, 0, self.size)

    def _packed_product(self, user: str) -> str:
        """user_low · low + user_high · high, [items, 1], where low = 16 (packed − high)."""
        if self.size % 2:
            user = self._concat(user, self._add_weight(np.zeros((1, 1), np.float32)))
        low = self._op("Mul", self._columns(user, 0, self.half), self._add_weight(np.float32(16)))
        high = self._op("Sub", self._columns(user, self.half, self.half), low)
        packed = self._stored()
        return self._op("AddV2", self._product(packed, low), self._product(self._op("Round", packed), high))

    def _product(self, table: str, user: str) -> str:
        """``table`` [items, n] times ``user`` [1, n], as [items, 1].

        With the user as a column on the right nothing is transposed, which is faster in TF.js.
        """
        return self._op("MatMul", table, self._reshape(user, -1, 1))

    def _scaled(self, products: str) -> str:
        """The scores [1, items] from products with the integer rows [items, 1]."""
        return self._op("Mul", self._reshape(products, 1, self.items), self._add_weight(self.table.scales))

    def _stored(self) -> str:
        """The weight with the quantized table."""
        if self.table.bits == 4:
            return self._add_weight((self.table.packed().astype(np.float32) - PACKED_CENTRE) / 16, _PACKED)
        return self._add_weight(self.table.quantized.astype(np.float32), _INTEGERS)

    def _gather(self, table: str, indices: str) -> str:
        return self._op("GatherV2", table, indices, self._add_weight(np.int32(0)))

    def _concat(self, *parts: str) -> str:
        node = NodeDef(op="ConcatV2")
        node.attr["N"].i = len(parts)
        return self._emit(node, [*parts, self._add_weight(np.int32(1))])

    def _columns(self, values: str, first: int, count: int) -> str:
        bounds = [self._add_weight(np.array(bound, np.int32)) for bound in ((0, first), (-1, count))]
        return self._op("Slice", values, *bounds)

    def _reshape(self, values: str, *shape: int) -> str:
        return self._op("Reshape", values, self._add_weight(np.array(shape, np.int32)))

    def _op(self, op: str, *inputs: str) -> str:
        return self._emit(NodeDef(op=op), list(inputs))


__all__ = ["RowWalk"]
