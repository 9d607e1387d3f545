"""Edits of the ONNX graph of a history model: a single copy of the item table, stored in low-bit rows.

Rows are dequantized after their look-up. For the scores of the whole catalogue the graph dequantizes the
whole table, which ONNX Runtime folds when the session is created: the file stays small, memory use does not
(4 bytes per element, as for a float32 table), and calls are not slowed down. Done in every call, it would
take several times as long as the rest of the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from hanji.export.formats.weights import should_quantize
from hanji.export.recommenders.formats.row_table import PACKED_CENTRE, RowTable
from hanji.training.errors import ConversionError

Values = npt.NDArray[Any]
TABLE = "item_table"
_SCALES = f"{TABLE}/scales"


def name_table(graph: onnx.GraphProto, table: Values) -> None:
    """Keep a single copy of the item table (float32 [items, size]), named ``TABLE``, in place.

    Its transpose, which the converter folds for the scores, becomes a Transpose node again.
    Raises ConversionError if the table is not found.
    """
    found = [tensor for tensor in graph.initializer if _equal(tensor, table)]
    if not found:
        raise ConversionError(
            f"ONNX: expected the item table {list(table.shape)} among the converted weights, found only "
            f"{[list(tensor.dims) for tensor in graph.initializer]}; export without ONNX"
        )
    for tensor in found:
        for node in graph.node:
            node.input[:] = [TABLE if name == tensor.name else name for name in node.input]
        graph.initializer.remove(tensor)
    graph.initializer.append(numpy_helper.from_array(table, TABLE))
    _share(graph, TABLE, table)


def share_transposed(graph: onnx.GraphProto) -> None:
    """Of two large weights that are transposes of each other, store one and compute the other, in place."""
    large = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    large = {name: values for name, values in large.items() if values.ndim == 2 and should_quantize(values)}
    # Ordered by content, because the converter's names contain counters.
    for name, values in sorted(large.items(), key=lambda entry: (entry[1].shape, entry[1].tobytes())):
        if any(tensor.name == name for tensor in graph.initializer):
            _share(graph, name, values)


def compute_tower_items(graph: onnx.GraphProto, result: Values, kernel: Values, bias: Values) -> None:
    """Compute the item part of the tower's first layer from ``TABLE`` instead of storing it, in place.

    ``result`` is table · kernel + bias, [items, units]: the converter folds it into a second table, often
    larger than the first. ONNX Runtime folds it as well when the session is created, but not in the file.
    """
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if not _close(values, result):
            continue
        name = tensor.name
        parts = {"kernel": kernel, "bias": bias, "shape": np.array(values.shape, np.int64)}
        graph.initializer.extend(
            numpy_helper.from_array(part, f"{name}/{label}") for label, part in parts.items()
        )
        product, total = f"{name}/product", f"{name}/sum"
        nodes = [
            helper.make_node("MatMul", [TABLE, f"{name}/kernel"], [product]),
            helper.make_node("Add", [product, f"{name}/bias"], [total]),
            helper.make_node("Reshape", [total, f"{name}/shape"], [name]),
        ]
        _replace(graph, tensor, nodes)


def store_rows(graph: onnx.GraphProto, table: RowTable) -> None:
    """Store ``TABLE`` in low-bit rows, in place, and dequantize looked-up rows or the whole table."""
    stored = table.packed() if table.bits == 4 else table.quantized
    (tensor,) = (tensor for tensor in graph.initializer if tensor.name == TABLE)
    tensor.CopyFrom(numpy_helper.from_array(stored, TABLE))
    graph.initializer.append(numpy_helper.from_array(table.scales, _SCALES))
    dequantization = _Dequantization(graph, table)
    whole_table = False
    for node in [node for node in graph.node if TABLE in node.input]:
        if node.op_type == "Gather" and node.input[0] == TABLE:
            dequantization.rows(node)
        else:
            node.input[:] = [f"{TABLE}/wide" if name == TABLE else name for name in node.input]
            whole_table = True
    if whole_table:
        dequantization.add(TABLE, _SCALES, f"{TABLE}/wide")


class _Dequantization:
    """Adds the nodes that convert stored rows to float32."""

    def __init__(self, graph: onnx.GraphProto, table: RowTable) -> None:
        self.graph = graph
        self.bits, self.size = table.bits, table.quantized.shape[1]

    def rows(self, lookup: onnx.NodeProto) -> None:
        """Make ``lookup`` return stored rows, and dequantize these."""
        found, indices = lookup.output[0], lookup.input[1]
        lookup.output[0] = f"{found}/stored"
        self._node("Gather", f"{found}/stored_scales", _SCALES, indices, axis=0)
        self.add(f"{found}/stored", f"{found}/stored_scales", found)

    def add(self, stored: str, scales: str, target: str) -> None:
        """Dequantize the rows ``stored``, with one scale each, into the tensor ``target``."""
        integers = self._node("Cast", f"{target}/cast", stored, to=onnx.TensorProto.FLOAT)
        if self.bits == 4:
            integers = self._unpacked(integers, target)
        wide = self._node("Cast", f"{target}/scales", scales, to=onnx.TensorProto.FLOAT)
        column = self._node("Unsqueeze", f"{target}/column", wide, self._constant("axis", np.array([1])))
        self._node("Mul", target, integers, column)

    def _unpacked(self, packed: str, target: str) -> str:
        """A byte is 16 · high + low + 136, low and high in −7…7: (byte − 136) / 16 rounds to ``high``."""
        centred = self._node(
            "Sub", f"{target}/centred", packed, self._constant("centre", np.float32(PACKED_CENTRE))
        )
        shifted = self._node("Mul", f"{target}/shifted", centred, self._constant("16th", np.float32(1 / 16)))
        high = self._node("Round", f"{target}/high", shifted)
        rest = self._node("Sub", f"{target}/rest", shifted, high)
        low = self._node("Mul", f"{target}/low", rest, self._constant("16", np.float32(16)))
        both = self._node("Concat", f"{target}/both", low, high, axis=1)
        if self.size % 2 == 0:
            return both
        bounds = [self._constant(f"end{bound}", np.array([bound])) for bound in (0, self.size, 1)]
        return self._node("Slice", f"{target}/whole", both, *bounds)

    def _node(self, op: str, target: str, *sources: str, **attributes: Any) -> str:
        self.graph.node.append(helper.make_node(op, list(sources), [target], **attributes))
        return target

    def _constant(self, label: str, value: Any) -> str:
        name = f"{TABLE}/{label}"
        if all(tensor.name != name for tensor in self.graph.initializer):
            self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def _share(graph: onnx.GraphProto, name: str, values: Values) -> None:
    """Compute each weight that is the transpose of the weight ``name`` from it."""
    for tensor in [tensor for tensor in graph.initializer if tensor.name != name]:
        if _equal(tensor, values.T):
            _replace(graph, tensor, [helper.make_node("Transpose", [name], [tensor.name], perm=[1, 0])])


def _replace(graph: onnx.GraphProto, tensor: onnx.TensorProto, nodes: list[onnx.NodeProto]) -> None:
    graph.initializer.remove(tensor)
    graph.node.extend(nodes)


def _equal(tensor: onnx.TensorProto, values: Values) -> bool:
    return tuple(tensor.dims) == values.shape and np.array_equal(numpy_helper.to_array(tensor), values)


def _close(values: Values, result: Values) -> bool:
    if values.dtype != np.float32 or values.squeeze().shape != result.squeeze().shape:
        return False
    slack = 1e-5 * float(np.abs(result).max())
    return np.allclose(values.reshape(result.shape), result, rtol=1e-5, atol=slack)


__all__ = ["TABLE", "compute_tower_items", "name_table", "share_transposed", "store_rows"]
