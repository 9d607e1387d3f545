"""ALS by Spark ranks as well as ours, alone, as a baseline and in an ensemble; on a standalone cluster."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from hanji.training.recommenders.baselines import baselines as module
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.baselines import baselines
from hanji.training.recommenders.baselines.ensemble import fit_ensemble
from hanji.training.recommenders.baselines.histories import evaluate_scores, histories_of
from hanji.training.recommenders.baselines.spark_als import fit_spark_als
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.spark import Spark


def test_it_ranks_as_well_as_ours(spark: Spark, small_dataset: Dataset) -> None:
    train = histories_of(small_dataset.train, users=200, items=200)
    train[:, 7] = 0.0
    train.eliminate_zeros()
    ours = evaluate_scores(Als.fit(train, factors=16).scores, small_dataset)
    model = fit_spark_als(spark, train, factors=16, epochs=11)
    found = evaluate_scores(model.scores, small_dataset)
    assert found["ndcg_at_10"] == pytest.approx(ours["ndcg_at_10"], abs=0.03)
    assert found["hr_at_10"] == pytest.approx(ours["hr_at_10"], abs=0.05)
    assert model.items.shape == (200, 16)
    assert model.items.dtype == np.float32
    assert not model.items[7].any()  # it has no interactions
    assert model.items[8].any()
    assert any(path.is_dir() for path in spark.shared.rglob("rdd-*")), "checkpoints are written"


def test_it_is_a_baseline_and_a_member_of_the_ensemble(
    spark: Spark, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALS_REGULARIZATIONS", (0.007,))
    fit = partial(fit_spark_als, spark, epochs=2)
    found = {row.name: row for row in baselines(small_dataset, factors=8, spark_als=fit)}
    assert found["spark-als"].settings == found["als"].settings == "8 factors, regularization 0.007"
    assert found["spark-als"].metrics["ndcg_at_10"] > 1.5 * found["popularity"].metrics["ndcg_at_10"]
    ensemble = fit_ensemble(train_validation_split(small_dataset, 0), seed=0, factors=8, fit_als=fit)
    assert ensemble.weights["ALS"] > 0.0
