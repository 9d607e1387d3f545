"""Untrained recommenders have the architecture of those that a recipe produces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hanji.compression.recommenders.distil import student_config
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import Distil
from hanji.export.bundle.manifest import parameters
from hanji.studies.recommenders.untrained import UntrainedRecommenders
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.train import known_order

STUDENT = Distil(embedding_size=4, hidden_units=(), history_heads=5)


def dataset_of(*, times: bool) -> Dataset:
    """Twenty users with 8 of 60 items each, with or without times."""
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(60)[:8] for _ in range(20)])
    return Dataset.from_arrays(
        np.repeat(np.arange(20), 8), items, timestamps=np.tile(np.arange(8), 20) if times else None
    )


@pytest.mark.parametrize("times", [True, False])
def test_students_know_order_if_the_data_does(times: bool) -> None:
    full = ModelConfig(type="history", embedding_size=8, hidden_units=(), history_pooling="timescales")
    data = dataset_of(times=times)
    plan: Any = SimpleNamespace(model=full)
    recipe = Recipe("student", (STUDENT,))
    trained = student_config(known_order(full, data.train), STUDENT)
    assert trained.ordered == times
    expected = parameters(HistoryModel(trained, data.catalogue.items))
    assert UntrainedRecommenders(plan, data).parameters(recipe) == expected
