"""The statistics of studies on synthetic outcomes with known results."""

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
from hanji.studies.rows import Run, row_of
from hanji.studies.statistics import paired_bootstrap, spread
from hanji.studies.variant import FULL, Variant
from hanji.studies.winners import winner
from hanji.training.recommenders.data import Dataset


def correct(fraction: float, count: int = 400, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(count) < fraction).astype(np.float64)


def test_a_real_difference_is_significant() -> None:
    full = [correct(0.9, seed=seed) for seed in range(3)]
    worse = [values * correct(0.9, seed=9) for values in full]
    found = paired_bootstrap(full, worse)
    assert found.difference == pytest.approx(np.mean([(b - a).mean() for a, b in zip(full, worse)]))  # noqa: B905
    assert found.low < found.difference < found.high < 0
    assert found.p_value < 0.01
    assert found.samples == 1200


def test_a_random_difference_is_not_significant() -> None:
    found = paired_bootstrap([correct(0.8, seed=1)], [correct(0.8, seed=2)])
    assert found.low < 0 < found.high
    assert found.p_value > 0.05


def test_no_difference_at_all_has_a_p_value_of_one() -> None:
    found = paired_bootstrap([correct(0.8)], [correct(0.8)])
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_seeds_tested_on_the_same_samples_are_not_independent() -> None:
    """Seeds that fail on the same samples are no more evidence than one of them."""
    full, other = correct(0.8, seed=1), correct(0.75, seed=2)
    crossed = paired_bootstrap([full] * 3, [other] * 3, same_samples=True)
    nested = paired_bootstrap([full] * 3, [other] * 3)
    one = paired_bootstrap([full], [other])
    assert crossed.high - crossed.low == pytest.approx(one.high - one.low, rel=0.15)
    assert nested.high - nested.low < 0.8 * (one.high - one.low)
    assert crossed.samples == 400


def test_resampling_is_deterministic() -> None:
    assert paired_bootstrap([correct(0.8)], [correct(0.7)]) == paired_bootstrap(
        [correct(0.8)], [correct(0.7)]
    )


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
    probabilities = rng.dirichlet(np.ones(4), 50).astype(np.float32)
    return ImageOutcomes(probabilities, rng.integers(0, 4, 50).astype(np.int32))


def rankings(seed: int = 0) -> RankingOutcomes:
    rng = np.random.default_rng(seed)
    top = np.stack([rng.permutation(40)[:10] for _ in range(30)]).astype(np.int32)
    scores = rng.random((30, 40), dtype=np.float32)
    return RankingOutcomes(
        ranks=rng.integers(0, 100, 30),
        full_ranks=rng.integers(0, 40, 30),
        top=top,
        items=rng.integers(0, 40, 30).astype(np.int32),
        scores=scores,
        diversity=0.5,
        coverage=0.75,
    )


def test_a_metric_that_is_undefined_for_a_seed_is_left_out() -> None:
    keys = ("manifest_sha256", "bundle_sha256", "parameters", "non_zeros", "macs", "layers")
    costs = {**dict.fromkeys(keys), "formats": {}, "seconds": {}}
    undefined = dataclasses.replace(rankings(1), diversity=float("nan"))
    runs = [Run(0, costs, rankings(0)), Run(1, costs, undefined)]
    found = row_of(FULL, runs, None, {0: [], 1: []}, metric="hr_at_10", labels=None)
    full = {f"full_ranking_{name}" for name in ("hr_at_10", "ndcg_at_10", "mrr", "coverage_at_10")}
    assert set(found.metrics or {}) == {"hr_at_10", "ndcg_at_10", "precision_at_10"} | full


@pytest.mark.parametrize("outcomes", [samples(), rankings()])
def test_metrics_are_means_of_values_per_sample(outcomes) -> None:
    metrics = outcomes.metrics()
    full = [f"full_ranking_{name}" for name in ("hr_at_10", "ndcg_at_10", "mrr")]
    for name in ("top1", "macro_top1", "hr_at_10", "ndcg_at_10", "precision_at_10", *full):
        if name in metrics:
            assert outcomes.each(name).mean() == pytest.approx(metrics[name])


@pytest.mark.parametrize("outcomes", [samples(), rankings()])
def test_outcomes_can_be_saved_and_loaded(outcomes, tmp_path) -> None:
    save_outcomes(outcomes, tmp_path / "outcomes.npz")
    again = load_outcomes(tmp_path / "outcomes.npz", type(outcomes))
    assert type(again) is type(outcomes)
    assert again.metrics() == outcomes.metrics()
    for field in dataclasses.fields(outcomes):
        assert np.array_equal(getattr(again, field.name), getattr(outcomes, field.name))


@pytest.mark.parametrize("made", [samples, rankings])
def test_a_model_agrees_with_itself(made) -> None:
    same, other = made().agreement(made()), made(1).agreement(made())
    assert all(value == pytest.approx(1.0) for value in same.values())
    assert all(value < 0.9 for value in other.values())


def test_slices_of_rankings_cover_every_user_once(small_dataset: Dataset) -> None:
    slices = ranking_slices(small_dataset)
    for group in ("items", "users"):
        masks = [part.mask for part in slices if part.group == group]
        assert np.array_equal(np.sum(masks, axis=0), np.ones(len(small_dataset.test)))
    lengths = np.bincount(small_dataset.train.users)[small_dataset.test.users]
    by_name = {part.name: part.mask for part in slices}
    assert lengths[by_name["20 % longest histories"]].min() >= lengths[by_name["middle 60 %"]].max()


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
CRITERIA = {"metric": "top1", "format": "tflite", "engine": "litert"}


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
    assert winner(Budget("x", **bounds), ROWS, **CRITERIA).name == name


def test_violations_of_the_closest_recipe_are_reported_if_none_fits() -> None:
    found = winner(Budget("x", max_bytes=150), ROWS, **CRITERIA)
    assert found.name is None
    assert found.violations == "the closest is 'b': size 200 bytes, 50 above the limit of 150"
    two = winner(Budget("x", max_bytes=499, max_drop=0.0), ROWS, **CRITERIA)  # 500 bytes, or a drop of 0.02
    assert two.violations == "the closest is 'a': size 500 bytes, 1 above the limit of 499"
    missing = winner(Budget("x", max_latency_ms=1.0), [row("a", 0.9, 5, None)], **CRITERIA)
    assert "latency not measured" in missing.violations
    assert winner(Budget("x", max_bytes=1), ROWS[3:], **CRITERIA).violations == "every recipe failed"
