"""The statistics of studies on made-up outcomes whose answers are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr

from hanji.studies.budget import Budget
from hanji.studies.classifiers.outcomes import ImageOutcomes
from hanji.studies.latency import CallTimes
from hanji.studies.outcomes import load_outcomes, rank_correlation, save_outcomes
from hanji.studies.recommenders.outcomes import RankingOutcomes
from hanji.studies.recommenders.slices import ranking_slices
from hanji.studies.results import Row, SizeOfFormat
from hanji.studies.statistics import paired_bootstrap, spread
from hanji.studies.variant import FULL, Variant
from hanji.studies.winners import winner
from hanji.training.recommenders.data import Dataset


def right(share: float, count: int = 400, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(count) < share).astype(np.float64)


def test_a_difference_that_is_there_is_seen() -> None:
    full = [right(0.9, seed=seed) for seed in range(3)]
    worse = [one * right(0.9, seed=9) for one in full]
    found = paired_bootstrap(full, worse)
    assert found.difference == pytest.approx(np.mean([(b - a).mean() for a, b in zip(full, worse)]))  # noqa: B905
    assert found.low < found.difference < found.high < 0
    assert found.p_value < 0.01
    assert found.samples == 1200


def test_chance_is_called_chance() -> None:
    found = paired_bootstrap([right(0.8, seed=1)], [right(0.8, seed=2)])
    assert found.low < 0 < found.high
    assert found.p_value > 0.05


def test_no_difference_at_all_has_a_p_value_of_one() -> None:
    found = paired_bootstrap([right(0.8)], [right(0.8)])
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_the_same_samples_are_no_independent_evidence() -> None:
    """Seeds that fail on the same samples tell no more of the samples than one of them does."""
    full, other = right(0.8, seed=1), right(0.75, seed=2)
    crossed = paired_bootstrap([full] * 3, [other] * 3, same_samples=True)
    nested = paired_bootstrap([full] * 3, [other] * 3)
    one = paired_bootstrap([full], [other])
    assert crossed.high - crossed.low == pytest.approx(one.high - one.low, rel=0.15)
    assert nested.high - nested.low < 0.8 * (one.high - one.low)
    assert crossed.samples == 400


def test_resampling_repeats_itself() -> None:
    assert paired_bootstrap([right(0.8)], [right(0.7)]) == paired_bootstrap([right(0.8)], [right(0.7)])


def test_a_single_seed_has_no_spread() -> None:
    assert spread([0.5]).sd is None
    assert spread([1.0, 3.0]).sd == pytest.approx(2**0.5)


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 6, (5, 30)).astype(np.float32) for _ in range(2))
    expected = np.mean([spearmanr(a, b).statistic for a, b in zip(first, second)])  # noqa: B905
    assert rank_correlation(first, second) == pytest.approx(expected)
    assert rank_correlation(first, first) == pytest.approx(1.0)
    assert rank_correlation(first, np.zeros_like(first)) == 0.0


def samples(seed: int = 0) -> ImageOutcomes:
    rng = np.random.default_rng(seed)
    found = rng.dirichlet(np.ones(4), 50).astype(np.float32)
    return ImageOutcomes(found, rng.integers(0, 4, 50).astype(np.int32))


def rankings(seed: int = 0) -> RankingOutcomes:
    rng = np.random.default_rng(seed)
    top = np.stack([rng.permutation(40)[:10] for _ in range(30)]).astype(np.int32)
    scores = rng.random((30, 40), dtype=np.float32)
    return RankingOutcomes(
        rng.integers(0, 100, 30), top, rng.integers(0, 40, 30).astype(np.int32), scores, 0.5
    )


@pytest.mark.parametrize("outcomes", [samples(), rankings()])
def test_metrics_are_the_means_of_single_values(outcomes) -> None:
    metrics = outcomes.metrics()
    for name in ("top1", "macro_top1", "hr_at_10", "ndcg_at_10", "precision_at_10"):
        if name in metrics:
            assert outcomes.each(name).mean() == pytest.approx(metrics[name])


@pytest.mark.parametrize("outcomes", [samples(), rankings()])
def test_outcomes_survive_the_disk(outcomes, tmp_path) -> None:
    save_outcomes(outcomes, tmp_path / "outcomes.npz")
    again = load_outcomes(tmp_path / "outcomes.npz", type(outcomes))
    assert type(again) is type(outcomes)
    assert again.metrics() == outcomes.metrics()
    for field in dataclasses.fields(outcomes):
        assert np.array_equal(getattr(again, field.name), getattr(outcomes, field.name))


@pytest.mark.parametrize("made", [samples, rankings])
def test_a_model_is_like_itself(made) -> None:
    same, other = made().agreement(made()), made(1).agreement(made())
    assert all(value == pytest.approx(1.0) for value in same.values())
    assert all(value < 0.9 for value in other.values())


def test_slices_of_rankings_cover_everybody_once(small_dataset: Dataset) -> None:
    found = ranking_slices(small_dataset)
    for group in ("items", "users"):
        parts = [part.chosen for part in found if part.group == group]
        assert np.array_equal(np.sum(parts, axis=0), np.ones(len(small_dataset.test)))
    lengths = np.bincount(small_dataset.train.users)[small_dataset.test.users]
    by_name = {part.name: part.chosen for part in found}
    assert lengths[by_name["heaviest fifth"]].min() >= lengths[by_name["between"]].max()


def row(name: str, top1: float, size: float, ms: float | None = 1.0) -> Row:
    variant = FULL if name == "full" else Variant(name, ({"type": "quantize", "scheme": name},))
    latency = {} if ms is None else {"litert": CallTimes(ms, ms, ms)}
    sizes = {"tflite": SizeOfFormat(spread([size]), spread([size]))}
    return Row(variant, metrics={"top1": spread([top1])}, formats=sizes, latency=latency)


ROWS = [
    row("full", 0.97, 1000),
    row("a", 0.98, 500, 3.0),
    row("b", 0.95, 200),
    Row(Variant("c", ()), reason="no"),
]
JUDGED = {"metric": "top1", "format": "tflite", "engine": "litert"}


@pytest.mark.parametrize(
    ("bounds", "name"),
    [
        ({"max_bytes": 2000}, "a"),
        ({"max_bytes": 499}, "b"),
        ({"max_bytes": 900, "max_latency_ms": 2.0}, "b"),
        ({"max_bytes": 900, "max_drop": 0.0}, "a"),
        ({"max_drop": 0.0, "max_latency_ms": 2.0}, "full"),
    ],
)
def test_the_best_within_a_budget_wins(bounds, name: str) -> None:
    assert winner(Budget("x", **bounds), ROWS, **JUDGED).name == name


def test_what_binds_is_told_where_nothing_fits() -> None:
    found = winner(Budget("x", max_bytes=150), ROWS, **JUDGED)
    assert found.name is None
    assert found.binds == "nearest is 'b': 200 bytes, 50 more than 150"
    two = winner(Budget("x", max_bytes=499, max_drop=0.0), ROWS, **JUDGED)  # 500 bytes, or 0.02 lost
    assert two.binds == "nearest is 'a': 500 bytes, 1 more than 499"
    missing = winner(Budget("x", max_latency_ms=1.0), [row("a", 0.9, 5, None)], **JUDGED)
    assert "not measured" in missing.binds
    assert winner(Budget("x", max_bytes=1), ROWS[3:], **JUDGED).binds == "no recipe ended well"
