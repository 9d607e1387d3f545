"""An item table of whole numbers with a scale a row, in the place of a float32 one in a ``.tflite`` file.

LiteRT looks such rows up with EMBEDDING_LOOKUP and multiplies with them in FULLY_CONNECTED, which rounds
the user vector to 8 bits as it comes and computes in whole numbers. The scales follow as a MUL of their
own: a tensor's own scales would need a zero point of 8 bytes beside each, and be stored in each signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.formats.tflite_graph import Graph
from hanji.export.formats.weights import SMALLEST_QUANTIZED
from hanji.export.recommenders.formats.row_table import RowTable
from hanji.training.errors import ConversionError

_LOOKUP_VERSION = {4: 4, 8: 3}
_PRODUCT_VERSION = {4: 12, 8: 9}
_DEQUANTIZE_HALF_VERSION = 3
_DEQUANTIZE_UNITS_VERSION = 5
_Op = schema.BuiltinOperator


def store_rows(graph: Graph, rows: RowTable) -> None:
    """Replace the table ``rows.values`` by ``rows`` itself wherever the graph uses it.

    Raises ConversionError if the graph does not hold the table, or uses it in another way, or if rows of
    4-bit numbers do not end on whole bytes.
    """
    if rows.bits == 4 and rows.numbers.shape[1] % 2:
        raise ConversionError(
            "TFLite (int4-rows): expected an even embedding_size, for LiteRT holds two numbers a byte, "
            f"found {rows.numbers.shape[1]}; make it one more or less, or take int8-rows"
        )
    found = [
        index for index, values in graph.constants(np.float32).items() if np.array_equal(values, rows.values)
    ]
    if len(found) != 1:
        raise ConversionError(
            f"TFLite (int{rows.bits}-rows): expected the item table once in each signature, found it "
            f"{len(found)} times; export as float16, and report this"
        )
    (table,) = found
    operators = graph.operators[:]
    graph.operators.clear()
    for operator in operators:
        graph.operators += _in_rows(graph, operator, table, rows)
    tensor = graph.tensors[table]
    tensor.quantization = _scaled(np.ones(1, np.float32))  # whole numbers stand for themselves
    tensor_type = schema.TensorType.INT4 if rows.bits == 4 else schema.TensorType.INT8
    graph.store(tensor, tensor_type, _packed_rows(rows))


def _in_rows(graph: Graph, operator: Any, table: int, rows: RowTable) -> list[Any]:
    """What stands for one operator once the table holds whole numbers."""
    if table not in list(operator.inputs):
        return [operator]
    kind = graph.kind(operator)
    if kind == _Op.GATHER and operator.inputs[0] == table:
        return _look_up(graph, operator, table, rows)
    if kind == _Op.FULLY_CONNECTED and list(operator.inputs[1:]) == [table, -1]:
        return _multiply(graph, operator, rows)
    names = {value: name for name, value in vars(_Op).items()}
    raise ConversionError(
        f"TFLite (int{rows.bits}-rows): expected the item table to be looked up or multiplied with, found "
        f"it in {names[kind]}; export as float16, and report this"
    )


def _look_up(graph: Graph, operator: Any, table: int, rows: RowTable) -> list[Any]:
    ids, output = int(operator.inputs[1]), int(operator.outputs[0])
    whole = graph.add_variable(like=output)
    scales = graph.add_variable(like=output, last=1)
    column = graph.add_constant(rows.scales[:, None])
    version = _LOOKUP_VERSION[rows.bits]
    return [
        graph.operator(_Op.EMBEDDING_LOOKUP, [ids, table], whole, version=version),
        graph.operator(_Op.GATHER, [column, ids], scales, options=schema.GatherOptionsT()),
        graph.operator(_Op.MUL, [whole, scales], output, options=schema.MulOptionsT()),
    ]


def _multiply(graph: Graph, operator: Any, rows: RowTable) -> list[Any]:
    output = int(operator.outputs[0])
    whole = graph.add_variable(like=output)
    line = graph.add_constant(rows.scales[None, :])
    operator.outputs = [whole]
    operator.builtinOptions.asymmetricQuantizeInputs = True
    graph.set_code(operator, _Op.FULLY_CONNECTED, _PRODUCT_VERSION[rows.bits])
    return [operator, graph.operator(_Op.MUL, [whole, line], output, options=schema.MulOptionsT())]


def _scaled(scales: npt.NDArray[np.float32], *, dimension: int = 0) -> Any:
    """Whole numbers times a scale: one for all, or one for each place of a dimension."""
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = scales, np.zeros(len(scales), np.int64)
    quantization.quantizedDimension = dimension
    return quantization


def _packed_rows(rows: RowTable) -> bytes:
    """Row after row; of 4-bit numbers two a byte, the first in the lower half."""
    if rows.bits == 8:
        return rows.numbers.tobytes()
    halves = rows.numbers.reshape(-1).view(np.uint8) & 0xF
    return bytes(halves[0::2] | (halves[1::2] << 4))


def share_transposed(graphs: Sequence[Graph]) -> None:
    """Compute each large kernel that is another one turned, also if that one is of another graph."""
    seen: set[tuple[tuple[int, ...], bytes]] = set()
    for graph in graphs:
        large = {index: values for index, values in _large(graph).items() if values.ndim == 2}
        for index, values in large.items():
            own, turned = _identity(values), _identity(values.T)
            if own in seen or turned not in seen:
                seen.add(own)
                continue
            source = next((other for other, known in large.items() if _identity(known) == turned), None)
            if source is None:
                source = graph.add_constant(np.ascontiguousarray(values.T))
            order = graph.add_constant(np.array([1, 0], np.int32))
            options = schema.TransposeOptionsT()
            graph.operators.insert(0, graph.operator(_Op.TRANSPOSE, [source, order], index, options=options))
            graph.computed(index)


def store_tower_items(graph: Graph, items: int) -> None:
    """Store the items' half of a tower's first layer in int8, with a scale for each of its units.

    The converter computes that half, float32 [1, items, units], once and for all: a second table, often
    larger than the first. On no grid, it loses up to 0.003 of the scores' spread to this rounding: less
    than the rounded user vector loses, at half the size of float16 (which would lose 0.0001).
    """
    for index, values in _large(graph).items():
        if values.shape[:-1] != (1, items):
            continue
        largest = np.abs(values).max(axis=(0, 1))
        scales = np.where(largest > 0, largest / np.float32(127), np.float32(1))
        stored = graph.add_constant(np.rint(values / scales).astype(np.int8))
        graph.tensors[stored].quantization = _scaled(scales, dimension=2)
        _widen(graph, stored, index, _DEQUANTIZE_UNITS_VERSION)


def store_float16(graph: Graph) -> None:
    """Store every large float32 kernel as float16; LiteRT widens it once, when the file is opened."""
    for index, values in _large(graph).items():
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ConversionError(
                "TFLite: expected weights within the range of float16, found one of "
                f"{np.abs(values).max():g}; train the model again with a lower learning rate"
            )
        _widen(graph, graph.add_constant(values.astype(np.float16)), index, _DEQUANTIZE_HALF_VERSION)


def _widen(graph: Graph, stored: int, index: int, version: int) -> None:
    """Let the constant ``index`` be computed from what is stored, before anything else."""
    options = schema.DequantizeOptionsT()
    graph.operators.insert(
        0, graph.operator(_Op.DEQUANTIZE, [stored], index, version=version, options=options)
    )
    graph.computed(index)


def _large(graph: Graph) -> dict[int, npt.NDArray[Any]]:
    """The float32 kernels; scales of rows are none, they have one column or one row."""
    return {
        index: values
        for index, values in graph.constants(np.float32).items()
        if values.size >= SMALLEST_QUANTIZED and max(values.shape) < values.size
    }


def _identity(values: npt.NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return values.shape, values.tobytes()


__all__ = ["share_transposed", "store_float16", "store_rows", "store_tower_items"]
