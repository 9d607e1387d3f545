"""The real MovieLens files, if they are in the shared directory next to the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"


def load(name: str) -> Dataset:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {name} in ../shared/data")
    return load_dataset(DataConfig(name=name, format="auto"), DATA / name)


def popularity_metrics(dataset: Dataset) -> tuple[float, float]:
    """HR@10 and NDCG@10 of ranking by popularity; a row's candidates are a set, ties count against."""
    test, scores = dataset.test, np.array(dataset.catalogue.popularity)
    not_below = scores[test.negatives] >= scores[test.items][:, None]
    rank = (not_below & (test.negatives != test.items[:, None])).sum(axis=1)
    gain = np.where(rank < 10, 1 / np.log2(rank + 2), 0.0)
    return float((rank < 10).mean()), float(gain.mean())


def test_movielens_1m_benchmark() -> None:
    dataset = load("ml-1m")
    assert dataset.format == "ncf"
    assert (dataset.catalogue.users, dataset.catalogue.items) == (6040, 3706)
    assert (len(dataset.train), len(dataset.test)) == (994_169, 6040)
    assert int((dataset.test.negatives == dataset.test.items[:, None]).any(axis=1).sum()) == 156
    assert dataset.catalogue.item_ids == tuple(range(3706))
    assert dataset.quality.malformed_lines == dataset.quality.duplicates == 0
    assert dataset.quality.unseen_kept == 2
    hr, ndcg = popularity_metrics(dataset)
    assert hr == pytest.approx(0.4531, abs=5e-5)
    assert ndcg == pytest.approx(0.2541, abs=5e-5)


def test_movielens_100k() -> None:
    dataset = load("ml-100k")
    assert dataset.format == "movielens-100k"
    assert (dataset.catalogue.users, dataset.catalogue.items) == (943, 1682)
    assert len(dataset.train) + len(dataset.test) == 100_000
    assert dataset.quality.untitled_items == 0
    assert dataset.catalogue.titles[0] == "Toy Story (1995)"
    assert dataset.catalogue.genres[0] == ("Animation", "Children's", "Comedy")
    hr, _ = popularity_metrics(dataset)
    assert 0.35 < hr < 0.45
