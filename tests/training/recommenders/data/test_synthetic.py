"""The synthetic catalogue: reproducible, marked as synthetic, learnable, with an order and a true optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.synthetic import oracle_of
from hanji.training.recommenders.data.synthetic_process import SUCCESSORS, draw_process
from hanji.training.recommenders.data.synthetic_titles import make_titles
from hanji.training.recommenders.evaluation import Evaluation, evaluate_protocols
from hanji.training.recommenders.protocols import PROTOCOLS

ORDER = DataConfig().synthetic_order
SMALL = {"synthetic_users": 60, "synthetic_items": 220, "synthetic_interactions_per_user": 20}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Without order."""
    return load_dataset(DataConfig(synthetic_order=0.0), None)


@pytest.fixture(scope="module")
def ordered() -> Dataset:
    return load_dataset(DataConfig(), None)


def hr_at_10(scores: np.ndarray, dataset: Dataset) -> float:
    """HR@10 of `scores` [users, items]; ties count against the positive."""
    test = dataset.test
    positives = scores[test.users, test.items][:, None]
    return float(((scores[test.users[:, None], test.negatives] >= positives).sum(axis=1) < 10).mean())


def mixture_scores(dataset: Dataset, tastes: int = 10, rounds: int = 60) -> np.ndarray:
    """A mixture of tastes fitted by expectation maximization (PLSA), untuned."""
    rng = np.random.default_rng(0)
    seen = np.zeros((dataset.catalogue.users, dataset.catalogue.items))
    seen[dataset.train.users, dataset.train.items] = 1
    weights = rng.dirichlet(np.ones(tastes), len(seen))
    shares = rng.dirichlet(np.ones(seen.shape[1]), tastes)
    for _ in range(rounds):
        ratio = seen / (weights @ shares)
        new_weights = weights * (ratio @ shares.T) + 0.01
        shares = shares * (weights.T @ ratio) + 0.05
        shares /= shares.sum(axis=1, keepdims=True)
        weights = new_weights / new_weights.sum(axis=1, keepdims=True)
    return np.asarray(weights @ shares)


def test_it_is_marked_as_synthetic(dataset: Dataset) -> None:
    assert dataset.synthetic
    assert dataset.name == dataset.format == "synthetic"
    assert "synthetic" in dataset.licence


def test_size(dataset: Dataset) -> None:
    catalogue = dataset.catalogue
    assert (catalogue.users, catalogue.items) == (2000, 1000)
    assert abs(len(dataset.train) / 2000 - 59) < 2
    assert len(dataset.test) == 2000
    assert min(catalogue.popularity) >= 1
    assert len(set(catalogue.titles)) == 1000
    assert all(1 <= len(genres) <= 2 for genres in catalogue.genres)


def test_a_model_approaches_the_optimum_and_popularity_does_not(dataset: Dataset) -> None:
    best = dataset.best_hr_at_10
    assert best is not None and 0.75 <= best <= 0.85
    popularity = np.tile(np.array(dataset.catalogue.popularity, dtype=float), (dataset.catalogue.users, 1))
    assert 0.25 < hr_at_10(popularity, dataset) < best - 0.3
    assert best - 0.04 < hr_at_10(mixture_scores(dataset), dataset) < best + 0.01


def test_without_order_the_data_is_that_of_earlier_versions() -> None:
    made = load_dataset(DataConfig(synthetic_order=0.0, **SMALL), None)  # type: ignore[arg-type]
    assert made.content == "5fa2f4577b69f49f6eec5750a7e14632e0b2dfdf7dfc4021f89e51edca404e38"
    assert made.best_hr_at_10 == 0.7586206896551724


def evaluated(scores: np.ndarray, dataset: Dataset) -> dict[str, Evaluation]:
    return evaluate_protocols(scores.astype(np.float32).__getitem__, dataset, PROTOCOLS)


def transitions(dataset: Dataset) -> np.ndarray:
    """How often each item follows each user's last item in the training set, as shares [users, items]."""
    train, items = dataset.train, dataset.catalogue.items
    counts = np.zeros((items, items))
    same = train.users[1:] == train.users[:-1]
    np.add.at(counts, (train.items[:-1][same], train.items[1:][same]), 1)
    last = train.items[np.searchsorted(train.users, np.arange(dataset.catalogue.users), side="right") - 1]
    return np.asarray((counts / counts.sum(axis=1, keepdims=True).clip(1))[last])


def test_no_ranking_beats_the_oracle_and_the_order_is_worth_more_than_the_tastes(ordered: Dataset) -> None:
    users, items = ordered.catalogue.users, ordered.catalogue.items
    oracle = oracle_of(ordered)(np.arange(users))
    tastes = mixture_scores(ordered)
    tastes /= tastes.sum(axis=1, keepdims=True)
    order = transitions(ordered)
    seen = np.zeros((users, items), bool)
    seen[ordered.train.users, ordered.train.items] = True
    process, _ = draw_process(ordered.config, np.random.default_rng([ordered.config.seed, 0]))
    rankings = {
        "popularity": np.tile(np.array(ordered.catalogue.popularity, float), (users, 1)),
        "tastes": tastes,
        "true tastes": process.weights @ process.shares,
        "order": order + 1e-3 * tastes,
        "both": (1 - ORDER) * tastes + ORDER * order,
        "oracle, squeezed": np.sqrt(oracle) + 0.1 * tastes,
    }
    best = evaluated(oracle, ordered)
    assert best["sampled"].metrics["hr_at_10"] == pytest.approx(ordered.best_hr_at_10)
    assert best["sampled"].metrics["ndcg_at_10"] == pytest.approx(ordered.best_ndcg_at_10)
    found = {name: evaluated(scores, ordered) for name, scores in rankings.items()}
    noise = 2 / np.sqrt(users) / 2  # two standard errors of a share, at most
    for protocol in PROTOCOLS:
        for name, each in found.items():
            for metric in ("hr_at_10", "ndcg_at_10"):
                assert each[protocol].metrics[metric] < best[protocol].metrics[metric] + noise, name
        reached = {name: each[protocol].metrics["ndcg_at_10"] for name, each in found.items()}
        top = best[protocol].metrics["ndcg_at_10"]
        assert top > reached["both"] > 1.5 * reached["tastes"] and top > 4 * reached["popularity"]


def test_the_oracle_expects_what_it_reaches(ordered: Dataset) -> None:
    """If the probabilities are the true ones, the expected metrics under them are those on the test rows."""
    test = ordered.test
    candidates = np.concatenate([test.items[:, None], test.negatives], axis=1)
    chances = oracle_of(ordered)(test.users.astype(np.int64))[np.arange(len(test))[:, None], candidates]
    sorted_chances = -np.sort(-chances / chances.sum(axis=1, keepdims=True), axis=1)[:, :10]
    expected_hr = sorted_chances.sum(axis=1).mean()
    expected_ndcg = (sorted_chances / np.log2(np.arange(10) + 2)).sum(axis=1).mean()
    assert ordered.best_hr_at_10 == pytest.approx(expected_hr, abs=0.018)  # three standard errors
    assert ordered.best_ndcg_at_10 == pytest.approx(expected_ndcg, abs=0.025)


def test_items_follow_one_another_as_often_as_the_order_says(ordered: Dataset) -> None:
    config = ordered.config
    process, _ = draw_process(config, np.random.default_rng([config.seed, 0]))
    train = ordered.train
    assert train.timestamps is not None
    same = train.users[1:] == train.users[:-1]
    assert (np.diff(train.timestamps)[same] > 0).all()
    after = process.successors[train.items[:-1][same]] == train.items[1:][same, None]
    assert after.any(axis=1).mean() == pytest.approx(ORDER, abs=0.03)
    assert (np.diff(after.sum(axis=0)) < 0).all()  # the nearest is the most likely
    assert process.successors.shape == (config.synthetic_items, SUCCESSORS)
    assert np.bincount(process.successors.ravel()).tolist() == [SUCCESSORS] * config.synthetic_items


def test_no_user_has_an_item_twice(ordered: Dataset) -> None:
    pairs = ordered.train.users.astype(np.int64) * ordered.catalogue.items + ordered.train.items
    assert len(np.unique(pairs)) == len(pairs)
    held_out = ordered.test.users.astype(np.int64) * ordered.catalogue.items + ordered.test.items
    assert not np.isin(held_out, pairs).any()


def test_next_items_are_a_distribution_over_the_rest() -> None:
    process, _ = draw_process(DataConfig(**SMALL), np.random.default_rng(0))  # type: ignore[arg-type]
    seen = np.random.default_rng(1).random((8, 220)) < 0.3
    last = np.arange(8)
    seen[np.arange(8), last] = True
    seen[0, process.successors[0]] = True  # nothing can follow
    seen[1, process.successors[1]] = [False, True, True, True]
    found = process.next_items(np.arange(8), seen, last)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert (found[seen] == 0).all()
    taste = (process.weights[:2] @ process.shares) * ~seen[:2]
    np.testing.assert_allclose(found[0], taste[0] / taste[0].sum())
    follower = process.successors[1, 0]
    assert found[1, follower] == pytest.approx(ORDER + (1 - ORDER) * taste[1, follower] / taste[1].sum())


def test_only_the_synthetic_catalogue_has_an_oracle(ordered: Dataset) -> None:
    with pytest.raises(ValueError, match="expected the synthetic catalogue"):
        oracle_of(replace(ordered, format="csv"))


def test_the_same_seed_gives_the_same_data() -> None:
    one, two, other = (load_dataset(DataConfig(seed=seed, **SMALL), None) for seed in (1, 1, 2))
    assert one.catalogue == two.catalogue != other.catalogue
    for part in ("users", "items", "timestamps"):
        np.testing.assert_array_equal(getattr(one.train, part), getattr(two.train, part))
    np.testing.assert_array_equal(one.test.negatives, two.test.negatives)
    assert (one.best_hr_at_10, one.best_ndcg_at_10) == (two.best_hr_at_10, two.best_ndcg_at_10)


def test_smallest_size() -> None:
    config = DataConfig(synthetic_users=10, synthetic_items=115, synthetic_interactions_per_user=5)
    assert len(load_dataset(config, None).test) > 0


def test_titles_are_distinct_in_a_large_catalogue() -> None:
    titles = make_titles(9000, np.random.default_rng(0))
    assert len({title.rpartition(" (")[0] for title in titles}) == 9000
    assert any("Part 2" in title for title in titles)
