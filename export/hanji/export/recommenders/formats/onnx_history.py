"""Converts a history model to ONNX: one file per signature, ``model.onnx`` (history) and ``why.onnx``.

Both start from the float32 TFLite file. See onnx_rows.py for how the item table is stored in low-bit rows and
when it is dequantized.
"""

from __future__ import annotations

import onnx

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.onnx import checked, from_tflite
from hanji.export.formats.onnx_graph import canonical, store_weights_as
from hanji.export.formats.tflite import tensor_names
from hanji.export.recommenders.formats.history_signatures import HistorySignatures
from hanji.export.recommenders.formats.onnx_rows import (
    compute_tower_items,
    name_table,
    share_transposed,
    store_rows,
)
from hanji.export.recommenders.formats.row_table import row_table, with_exact_table
from hanji.export.recommenders.formats.tflite import convert_functions
from hanji.training.recommenders.models.history import HistoryModel


def convert_history_onnx(model: HistoryModel, scheme: Scheme, signature: str) -> bytes:
    """The ``.onnx`` file of ``history`` or ``why``: float32, float16, int8-rows or int4-rows.

    Inputs are ``history`` int32 [length] and, for ``why``, ``item`` int32 [1]; outputs ``scores`` float32
    [items] or ``shares`` float32 [length]. Raises ConversionError if the model's rows do not match the
    scheme, or the result contains operations that ONNX does not support.
    """
    rows = row_table(model, scheme)
    exact = model if rows is None else with_exact_table(model, rows)
    tflite = convert_functions(HistorySignatures(exact), "float32", [signature])
    converted = from_tflite(tflite, scheme)
    _deduplicate(converted.graph, exact)
    if rows is not None:
        store_rows(converted.graph, rows)
    store_weights_as(converted.graph, scheme)
    result = canonical(converted, tensor_names(tflite, signature), free="length")
    return checked(result, f"{scheme}, {signature}")


def _deduplicate(graph: onnx.GraphProto, model: HistoryModel) -> None:
    """Undo constant folding that duplicated weights."""
    table = model.item_table.numpy()
    name_table(graph, table)
    if model.tower:
        result = model.tower_items(table).numpy()
        compute_tower_items(graph, result, model.tower_item_kernel.numpy(), model.tower[0][1].numpy())
    share_transposed(graph)


__all__ = ["convert_history_onnx"]
