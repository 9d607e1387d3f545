"""SASRec as a reference model: order of histories, learning, and its row in `hanji baselines`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.cli import main
from hanji.training.errors import DataError
from hanji.training.fitting.loop import FitRun
from hanji.training.recommenders.baselines import sasrec as baseline
from hanji.training.recommenders.baselines.baselines import baselines
from hanji.training.recommenders.baselines.histories import Histories, histories_of
from hanji.training.recommenders.baselines.sasrec import fit_sasrec
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.data.interactions import LeaveOneOut
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.history_scoring import scores_of_histories
from hanji.training.recommenders.models.sasrec import SasRec, SasRecConfig

ITEMS = 30
CONFIG = SasRecConfig(factors=16, heads=2, length=6, dropout=0.0)


def interactions(*histories: list[int]) -> Interactions:
    """Listed from the latest item to the oldest, so that only the timestamps tell the order."""
    rows = [(user, item, time) for user, items in enumerate(histories) for time, item in enumerate(items)]
    users, items, times = np.array(rows[::-1], np.int64).T
    return Interactions(users.astype(np.int32), items.astype(np.int32), times)


def histories(*given: list[int]) -> Histories:
    return histories_of(interactions(*given), users=len(given), items=ITEMS)


def test_scores_are_those_after_the_latest_items_in_time_order() -> None:
    model, rng = SasRec(CONFIG, ITEMS), np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.weights])
    given = [[5, 3, 9], [8, 1, 2, 7, 0, 6, 4, 11], [29]]
    found = scores_of_histories(model)(histories(*given))
    expected = np.array([model(np.array([items[-CONFIG.length :]]))[0, -1].numpy() for items in given])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        scores_of_histories(model)(histories(*given)[[2, 0]]), found[[2, 0]], atol=1e-5
    )


def test_an_empty_history_has_scores() -> None:
    scores = scores_of_histories(SasRec(CONFIG, ITEMS))(histories_of(interactions([1]), users=2, items=ITEMS))
    assert scores.shape == (2, ITEMS)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("sampled_items", [None, 20])
def test_it_learns_what_follows(sampled_items: int | None) -> None:
    rng = np.random.default_rng(0)
    successor = rng.permutation(ITEMS)
    walks = [[int(rng.integers(ITEMS))] for _ in range(80)]
    for walk in walks:
        while len(walk) < 5:
            walk.append(int(successor[walk[-1]]))
    known = [list(dict.fromkeys(walk[:-1])) for walk in walks]  # a history has an item once
    users, last = np.arange(len(walks), dtype=np.int32), np.array([walk[-1] for walk in walks], np.int32)
    others = np.array([np.setdiff1d(np.arange(ITEMS), walk)[:25] for walk in walks], np.int32)
    data = TrainValidationSplit(interactions(*known), LeaveOneOut(users, last, others), len(walks), ITEMS)
    training = TrainingConfig(
        epochs=12,
        batch_size=16,
        learning_rate=0.03,
        final_learning_rate=0.001,
        average_decay=0.9,
        patience=12,
        sampled_items=sampled_items,
    )
    model = fit_sasrec(data, FitRun("SASRec", 0), config=CONFIG, training=training)
    scores = scores_of_histories(model)(histories(*known))
    for user, items in enumerate(known):
        scores[user, items] = -np.inf
    assert (scores.argmax(axis=1) == last).mean() > 0.9


def test_the_command_adds_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline, "TRAINING", replace(baseline.TRAINING, epochs=1, batch_size=16))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "x"\n[data]\nsynthetic_users = 200\n'
        "synthetic_items = 200\nsynthetic_interactions_per_user = 20\n"
    )
    assert main(["baselines", str(recipe), "--factors", "8", "--sasrec", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["sasrec"]["settings"] == "64 factors, 2 blocks, 2 heads"
    assert 0 < rows["sasrec"]["metrics"]["ndcg_at_10"] < 1


def test_data_without_an_order_is_an_error(small_dataset: Dataset) -> None:
    unordered = replace(small_dataset, train=replace(small_dataset.train, timestamps=None))
    with pytest.raises(DataError, match="expected interactions with an order, found data without timestamps"):
        baselines(unordered, factors=8, sasrec=True)
