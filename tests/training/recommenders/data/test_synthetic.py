"""The synthetic catalogue: reproducible, marked as synthetic, learnable, with a correct optimum."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.synthetic import make_titles


@pytest.fixture(scope="module")
def dataset() -> Dataset:
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


def test_the_same_seed_gives_the_same_data() -> None:
    small = {"synthetic_users": 60, "synthetic_items": 220, "synthetic_interactions_per_user": 20}
    one, two, other = (load_dataset(DataConfig(seed=seed, **small), None) for seed in (1, 1, 2))
    assert one.catalogue == two.catalogue != other.catalogue
    for part in ("users", "items", "timestamps"):
        np.testing.assert_array_equal(getattr(one.train, part), getattr(two.train, part))
    np.testing.assert_array_equal(one.test.negatives, two.test.negatives)
    assert one.best_hr_at_10 == two.best_hr_at_10


def test_smallest_size() -> None:
    config = DataConfig(synthetic_users=10, synthetic_items=115, synthetic_interactions_per_user=5)
    assert len(load_dataset(config, None).test) > 0


def test_titles_are_distinct_in_a_large_catalogue() -> None:
    titles = make_titles(9000, np.random.default_rng(0))
    assert len({title.rpartition(" (")[0] for title in titles}) == 9000
    assert any("Part 2" in title for title in titles)
