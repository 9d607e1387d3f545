"""Replaces the float32 item table in a ``.tflite`` file by integers with one scale per row.

LiteRT looks up such rows with EMBEDDING_LOOKUP and multiplies with them in FULLY_CONNECTED, which quantizes
the user vector to 8 bits at run time and computes in integers. The scales are applied by a separate MUL: as
quantization parameters of the tensor, each would need an 8-byte zero point and be stored once per signature.
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
_WIDE_SCALES = 100_000
"""From this number on, scales are stored in float32: they take two bytes more each, but LiteRT uses them
where they lie, while it keeps copies of widened ones."""

_DEQUANTIZE_HALF_VERSION = 3
_DEQUANTIZE_UNITS_VERSION = 5
_Op = schema.BuiltinOperator


def store_rows(graph: Graph, rows: RowTable) -> None:
    """Replace the float32 table ``rows.values`` by the quantized ``rows`` wherever the graph uses it.

    Raises ConversionError if the graph does not contain the table or uses it in an unexpected way, and for
    4-bit rows with an odd number of elements.
    """
    if rows.bits == 4 and rows.quantized.shape[1] % 2:
        raise ConversionError(
            "TFLite (int4-rows): expected an even embedding_size, as LiteRT packs two values per byte, "
            f"found {rows.quantized.shape[1]}; increase or decrease it by one, or use int8-rows"
        )
    found = [
        index for index, values in graph.constants(np.float32).items() if np.array_equal(values, rows.values)
    ]
    if len(found) != 1:
        raise ConversionError(
            f"TFLite (int{rows.bits}-rows): expected the item table once per signature, found it "
            f"{len(found)} times; export as float16, and report this bug"
        )
    (table,) = found
    scales = graph.add_constant(rows.scales[None, :].astype(np.float32))
    operators = graph.operators[:]
    graph.operators.clear()
    for operator in operators:
        graph.operators += _with_rows(graph, operator, table, rows, scales)
    if len(rows.scales) < _WIDE_SCALES:
        _widen(graph, graph.add_constant(rows.scales[None, :]), scales, _DEQUANTIZE_HALF_VERSION)
    tensor = graph.tensors[table]
    tensor.quantization = _quantization(np.ones(1, np.float32))  # a separate MUL applies the scales
    tensor_type = schema.TensorType.INT4 if rows.bits == 4 else schema.TensorType.INT8
    graph.store(tensor, tensor_type, _packed_rows(rows))


def _with_rows(graph: Graph, operator: Any, table: int, rows: RowTable, scales: int) -> list[Any]:
    """The operators that replace ``operator`` once the table is quantized; ``scales`` is a row [1, items]."""
    if table not in list(operator.inputs):
        return [operator]
    kind = graph.kind(operator)
    if kind == _Op.GATHER and operator.inputs[0] == table:
        return _look_up(graph, operator, table, rows, scales)
    if kind == _Op.FULLY_CONNECTED and list(operator.inputs[1:]) == [table, -1]:
        return _multiply(graph, operator, rows, scales)
    names = {value: name for name, value in vars(_Op).items()}
    raise ConversionError(
        f"TFLite (int{rows.bits}-rows): expected the item table to be looked up or multiplied with, found "
        f"it in {names[kind]}; export as float16, and report this bug"
    )


def _look_up(graph: Graph, operator: Any, table: int, rows: RowTable, scales: int) -> list[Any]:
    ids, output = int(operator.inputs[1]), int(operator.outputs[0])
    integers, found = graph.add_variable(like=output), graph.add_variable(like=ids, first=1)
    column, order = graph.add_variable(like=output, last=1), graph.add_constant(np.array([1, 0], np.int32))
    gathering = schema.GatherOptionsT()
    gathering.axis = 1
    version = _LOOKUP_VERSION[rows.bits]
    return [
        graph.operator(_Op.EMBEDDING_LOOKUP, [ids, table], integers, version=version),
        graph.operator(_Op.GATHER, [scales, ids], found, options=gathering),
        graph.operator(_Op.TRANSPOSE, [found, order], column, options=schema.TransposeOptionsT()),
        graph.operator(_Op.MUL, [integers, column], output, options=schema.MulOptionsT()),
    ]


def _multiply(graph: Graph, operator: Any, rows: RowTable, scales: int) -> list[Any]:
    output = int(operator.outputs[0])
    unscaled = graph.add_variable(like=output)
    operator.outputs = [unscaled]
    operator.builtinOptions.asymmetricQuantizeInputs = True
    graph.set_code(operator, _Op.FULLY_CONNECTED, _PRODUCT_VERSION[rows.bits])
    return [operator, graph.operator(_Op.MUL, [unscaled, scales], output, options=schema.MulOptionsT())]


def _quantization(scales: npt.NDArray[np.float32], *, dimension: int = 0) -> Any:
    """Symmetric quantization parameters: a single scale, or one per index of ``dimension``."""
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = scales, np.zeros(len(scales), np.int64)
    quantization.quantizedDimension = dimension
    return quantization


def _packed_rows(rows: RowTable) -> bytes:
    """The rows in order; 4-bit values are packed two per byte, the first in the low nibble."""
    if rows.bits == 8:
        return rows.quantized.tobytes()
    halves = rows.quantized.reshape(-1).view(np.uint8) & 0xF
    return bytes(halves[0::2] | (halves[1::2] << 4))


def share_transposed(graphs: Sequence[Graph]) -> None:
    """Compute each large kernel that is the transpose of another one, even one of another subgraph."""
    seen: set[tuple[tuple[int, ...], bytes]] = set()
    for graph in graphs:
        large = {index: values for index, values in _large(graph).items() if values.ndim == 2}
        for index, values in large.items():
            own, transposed = _identity(values), _identity(values.T)
            if own in seen or transposed not in seen:
                seen.add(own)
                continue
            source = next((other for other, known in large.items() if _identity(known) == transposed), None)
            if source is None:
                source = graph.add_constant(np.ascontiguousarray(values.T))
            order = graph.add_constant(np.array([1, 0], np.int32))
            options = schema.TransposeOptionsT()
            graph.operators.insert(0, graph.operator(_Op.TRANSPOSE, [source, order], index, options=options))
            graph.make_variable(index)


def store_tower_items(graph: Graph, items: int) -> None:
    """Store the item part of a tower's first layer in int8, with one scale per unit.

    The converter folds that part into a constant, float32 [1, items, units]: a second table, often larger
    than the first. This quantization changes scores by up to 0.003 of their spread: less than the quantized
    user vector does, at half the size of float16 (which would change them by 0.0001).
    """
    for index, values in _large(graph).items():
        if values.shape[:-1] != (1, items):
            continue
        largest = np.abs(values).max(axis=(0, 1))
        scales = np.where(largest > 0, largest / np.float32(127), np.float32(1))
        stored = graph.add_constant(np.rint(values / scales).astype(np.int8))
        graph.tensors[stored].quantization = _quantization(scales, dimension=2)
        _widen(graph, stored, index, _DEQUANTIZE_UNITS_VERSION)


def store_float16(graph: Graph) -> None:
    """Store every large float32 kernel as float16; LiteRT converts it back once, when it loads the file."""
    for index, values in _large(graph).items():
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ConversionError(
                "TFLite: expected weights within the range of float16, found one of "
                f"{np.abs(values).max():g}; retrain the model with a lower learning rate"
            )
        _widen(graph, graph.add_constant(values.astype(np.float16)), index, _DEQUANTIZE_HALF_VERSION)


def _widen(graph: Graph, stored: int, index: int, version: int) -> None:
    """Compute the former constant ``index`` from ``stored`` by a DEQUANTIZE that runs first."""
    options = schema.DequantizeOptionsT()
    graph.operators.insert(
        0, graph.operator(_Op.DEQUANTIZE, [stored], index, version=version, options=options)
    )
    graph.make_variable(index)


def _large(graph: Graph) -> dict[int, npt.NDArray[Any]]:
    """The large float32 kernels; row scales are not included, as they have a single row or column."""
    return {
        index: values
        for index, values in graph.constants(np.float32).items()
        if values.size >= SMALLEST_QUANTIZED and max(values.shape) < values.size
    }


def _identity(values: npt.NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return values.shape, values.tobytes()


__all__ = ["share_transposed", "store_float16", "store_rows", "store_tower_items"]
