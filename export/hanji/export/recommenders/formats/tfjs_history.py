"""Converts a history model to a TF.js graph model.

One graph holds both signatures: feeding ``history`` gives ``scores``; feeding ``why_history`` and
``why_item`` gives ``shares``.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.tfjs import graph_model
from hanji.export.formats.tfjs_graph import Shape, Walk, input_specs
from hanji.export.recommenders.formats.history_signatures import HistorySignatures
from hanji.export.recommenders.formats.row_table import row_table, with_exact_table
from hanji.export.recommenders.formats.tfjs_rows import RowWalk
from hanji.training.recommenders.models.history import HistoryModel

INPUTS: dict[str, Shape] = {"history": (None,), "why_history": (None,), "why_item": (1,)}


def convert_history_tfjs(model: HistoryModel, scheme: Scheme) -> dict[str, bytes]:
    """The files by name, ``model.json`` and ``.bin`` shards: float32, float16, int8-rows or int4-rows.

    Raises ConversionError if the model's rows do not match the scheme.
    """
    rows = row_table(model, scheme)
    outputs: dict[str, Shape] = {"scores": (model.items,), "shares": (None,)}
    if rows is None:
        return graph_model(Walk(_both(model), INPUTS, outputs).graph(), scheme)
    exact = with_exact_table(model, rows)
    return graph_model(RowWalk(_both(exact), INPUTS, outputs, rows).graph(), scheme)


def _both(model: HistoryModel) -> Any:
    functions = HistorySignatures(model)

    def outputs(history: Any, why_history: Any, why_item: Any) -> dict[str, Any]:
        return {
            "scores": functions.history(history)["scores"],
            "shares": functions.why(why_history, why_item)["shares"],
        }

    return tf.function(outputs, input_signature=input_specs(INPUTS), autograph=False)


__all__ = ["INPUTS", "convert_history_tfjs"]
