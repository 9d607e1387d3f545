"""A history model to TFLite: one file with both signatures, which share one copy of the weights.

TensorFlow converts to float32, and the file is edited: the item table in whole numbers for the schemes in
rows, every other large kernel in float16. (Its own float16 also takes the small constants, among them the
one that keeps the attention to an empty history from dividing by zero.)
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
"""Of an engine that cannot take histories of any length: padding fills what is left of it."""


def convert_history_tflite(
    model: HistoryModel, scheme: Scheme, *, only: Sequence[str] = HISTORY_SIGNATURES
) -> bytes:
    """The ``.tflite`` file of ``model`` under ``scheme``, holding the signatures in ``only``.

    Raises ConversionError where the item table is not on the grid of the scheme, or the converter
    refuses the model.
    """
    rows = row_table(model, scheme)
    exact = model if rows is None else with_exact_table(model, rows)
    file, graphs = opened(convert_functions(HistorySignatures(exact), "float32", only))
    if rows is not None:
        for graph in graphs:
            store_rows(graph, rows)
            store_tower_items(graph, len(rows.scales))
        # The oldest runtime is what the converter knows of, without these operations.
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
