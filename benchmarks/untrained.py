"""Bundles of untrained history models, for measurements of time and memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import ROW_BITS
from hanji.export.recommenders.writer import export_bundle
from hanji.runtime.manifest import TrainingData
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.trained import TrainedModel


def export_untrained(out: Path, items: int, scheme: str, **sizes: Any) -> None:
    """Export a history model of random rows as a TFLite bundle; ``sizes`` are those of ModelConfig."""
    config = ModelConfig(type="history", hidden_units=(), **sizes)
    model = HistoryModel(config, items, row_bits=ROW_BITS[scheme])
    rows = np.random.default_rng(0).standard_normal((items, config.embedding_size)).astype(np.float32)
    model.item_table.assign(rows)
    model.item_table.assign(model.table())
    titles = tuple(f"Item {index}" for index in range(items))
    catalogue = Catalogue((0,), tuple(range(items)), titles, ((),) * items, (1,) * items)
    data = TrainingData("untrained", "synthetic", True, "none needed", 1, items, items, {})
    metrics = {"hr_at_10": 0.0, "ndcg_at_10": 0.0}
    trained = TrainedModel(model, catalogue, metrics, config, TrainingConfig(), data, 0)
    compressed = CompressedModel(model, config, scheme, Recipe("untrained", ()), metrics, trained)
    out.parent.mkdir(parents=True, exist_ok=True)
    export_bundle(compressed, out, formats=("tflite",))
