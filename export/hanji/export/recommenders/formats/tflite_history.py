"""Converts a history model to TFLite: one file with both signatures, which share one copy of the weights.

TensorFlow converts to float32, then the file is edited: the item table is quantized for the row schemes, and
every other large kernel is stored as float16. (The converter's own float16 mode would also round small
constants, including the one that prevents division by zero in the attention over an empty history.)
"""

from __future__ import annotations

from collections.abc import Sequence

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.export.recommenders.formats.history_signatures import HISTORY_SIGNATURES, HistorySignatures
from hanji.export.recommenders.formats.row_table import row_table, with_exact_table
from hanji.export.recommenders.formats.tflite import convert_functions
from hanji.export.recommenders.formats.tflite_rows import (
    share_transposed,
    store_float16,
    store_rows,
    store_tower_items,
)
from hanji.training.recommenders.models.history import HistoryModel

HISTORY_LENGTH = 256
"""The input length for engines without dynamic shapes; shorter histories are padded."""


def convert_history_tflite(
    model: HistoryModel, scheme: Scheme, *, only: Sequence[str] = HISTORY_SIGNATURES
) -> bytes:
    """The ``.tflite`` file of ``model`` under ``scheme``, with the signatures in ``only``.

    Raises ConversionError if the item table is not on the quantization grid of the scheme, or the converter
    rejects the model.
    """
    rows = row_table(model, scheme)
    exact = model if rows is None else with_exact_table(model, rows)
    file, graphs = opened(convert_functions(HistorySignatures(exact), "float32", only))
    if rows is not None:
        for graph in graphs:
            store_rows(graph, rows)
            store_tower_items(graph, len(rows.scales))
        # The converter's minimum runtime version does not account for the operators added here.
        file.metadata = [entry for entry in file.metadata if entry.name != b"min_runtime_version"]
    if scheme != "float32":
        share_transposed(graphs)
        for graph in graphs:
            store_float16(graph)
    for graph in graphs:
        graph.drop_inner_names()
        _set_default_length(graph)
    return packed(file)


def _set_default_length(graph: Graph) -> None:
    for tensor in graph.tensors:
        if tensor.shapeSignature is not None:
            tensor.shape = [HISTORY_LENGTH if size < 0 else int(size) for size in tensor.shapeSignature]


__all__ = ["HISTORY_LENGTH", "convert_history_tflite"]
