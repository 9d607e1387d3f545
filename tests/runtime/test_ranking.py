"""Filters and diversification of recommendations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import HanjiError, Item, Recommender
from hanji.runtime.ids import Ids, Items
from hanji.runtime.queries import NO_ITEMS
from hanji.runtime.ranking import RankingRequest, diversified, ranking, shortage_note

HISTORY = [5003, 5017, 5008]


@pytest.fixture
def recommender(onnx_history_bundle: Path) -> Recommender:
    return Recommender.open(onnx_history_bundle)


def catalogue(count: int, genres: list[tuple[str, ...]]) -> Items:
    titles = tuple(f"Title {index}" for index in range(count))
    rows = tuple(genres[index % len(genres)] for index in range(count))
    return Items(Ids(tuple(range(count)), "item"), titles, rows, np.zeros(count, np.int64))


def request(k: int, **others: Any) -> RankingRequest:
    return RankingRequest(
        **{"k": k, "excluded": NO_ITEMS, "seen": NO_ITEMS, "filter": None, "diversity": 0.0, **others}
    )


def test_a_filter_keeps_the_order(recommender: Recommender) -> None:
    full = recommender.recommend(history=HISTORY, k=27)
    for k in (1, 5, 11):
        result = recommender.recommend(history=HISTORY, k=k, filter=lambda item: "War" in item.genres)
        expected = [row.item for row in full if "War" in row.genres][:k]
        assert [row.item for row in result] == expected
        assert [row.rank for row in result] == list(range(1, k + 1))
        assert result.note == ""


def test_a_filter_is_called_with_items(recommender: Recommender) -> None:
    seen: list[Item] = []
    recommender.recommend(history=HISTORY, k=2, filter=lambda item: bool(seen.append(item)) or True)
    best = recommender.recommend(history=HISTORY, k=2)
    assert seen == [Item(row.item, row.title, row.genres) for row in best], (
        "and with no more items than necessary"
    )


def test_fewer_than_k_pass_the_filter(recommender: Recommender) -> None:
    result = recommender.recommend(history=HISTORY, k=5, filter=lambda item: item.id in (5001, 5003, 5002))
    assert sorted(row.item for row in result) == [5001, 5002]
    assert result.note == (
        "only 2 of the 5 requested items: all others are in the history or do not pass the filter"
    )
    nothing = recommender.recommend(history=HISTORY, k=5, filter=lambda _: False, diversity=0.5)
    assert len(nothing) == 0
    assert nothing.note.startswith("only 0 of the 5 requested items")


def test_a_filter_for_users_and_for_the_popularity_ranking(
    onnx_bundle: Path, recommender: Recommender
) -> None:
    with Recommender.open(onnx_bundle) as users:
        for user in (100, 1):
            full = [row.item for row in users.recommend(user, 30) if "War" in row.genres]
            result = users.recommend(user, 4, filter=lambda item: "War" in item.genres)
            assert [row.item for row in result] == full[:4]
        few = users.recommend(100, 4, filter=lambda item: item.id == 5001)
        assert few.note == "only 1 of the 4 requested items: all others do not pass the filter"
    popular = recommender.recommend(history=[], k=2, filter=lambda item: not item.genres)
    assert [row.item for row in popular] == [5004, 5008]


def test_errors_of_a_filter_propagate(recommender: Recommender) -> None:
    with pytest.raises(ZeroDivisionError):
        recommender.recommend(history=HISTORY, filter=lambda _: bool(1 / 0))


@pytest.mark.parametrize("count", [10, 64, 65, 3_000])
@pytest.mark.parametrize("every", [1, 7, 50])
def test_a_filter_applies_to_the_full_ranking(count: int, every: int) -> None:
    items = catalogue(count, [()])
    rng = np.random.default_rng(count)
    scores = rng.integers(0, 40, count).astype(np.float32)
    hidden = np.array([1, 5, 8], np.int32)
    order = [index for index in np.argsort(-scores, kind="stable").tolist() if index not in hidden]
    expected = [index for index in order if index % every == 0]
    for k in (1, 3, 10, count):
        constraints = request(
            k, seen=hidden[:2], excluded=hidden[1:], filter=lambda item: item.id % every == 0
        )
        found = ranking(scores.copy(), items, constraints)
        assert found.tolist() == expected[:k]
        assert bool(shortage_note(len(found), constraints)) == (len(expected) < k)


@pytest.mark.parametrize("diversity", [-0.1, 1, 1.5, float("nan"), float("inf")])
def test_diversity_out_of_range(recommender: Recommender, diversity: float) -> None:
    with pytest.raises(HanjiError, match="diversity: expected 0 or more and less than 1, found"):
        recommender.recommend(history=HISTORY, diversity=diversity)


def test_zero_diversity_has_no_effect(recommender: Recommender) -> None:
    plain = recommender.recommend(history=HISTORY)
    assert recommender.recommend(history=HISTORY, diversity=0) == plain
    minimal = recommender.recommend(history=HISTORY, diversity=1e-9)
    assert [row.item for row in minimal] == [row.item for row in plain]


def test_diversity_spreads_genres_and_keeps_scores(recommender: Recommender) -> None:
    scores = recommender.scores(history=HISTORY)
    result = recommender.recommend(history=HISTORY, k=10, diversity=0.9)
    assert result.items[0] == recommender.recommend(history=HISTORY, k=1).items[0]
    assert [row.rank for row in result] == list(range(1, 11))
    assert all(row.score == scores[row.item - 5000] for row in result)
    assert len({row.item for row in result} - set(HISTORY)) == 10
    assert sum("War" in row.genres for row in result) == 1, "items without genres have no similarity"


def test_diversity_considers_the_top_10_k_items() -> None:
    items = catalogue(200, [("a",)])
    items = Items(items.ids, items.titles, (("a",),) * 20 + (("b",),) * 180, items.popularity)
    scores = -np.arange(200, dtype=np.float32)
    assert ranking(scores, items, request(2, diversity=0.99)).tolist() == [0, 1]
    assert ranking(scores, items, request(3, diversity=0.99)).tolist()[:2] == [0, 20]


def test_diversity_is_applied_after_the_filter() -> None:
    items = catalogue(100, [("a",), ("b",), ("c",)])
    scores = -np.arange(100, dtype=np.float32)
    constraints = request(2, diversity=0.99, filter=lambda item: "b" not in item.genres)
    assert ranking(scores, items, constraints).tolist() == [0, 2]


def by_definition(scores: np.ndarray, genres: list[tuple[str, ...]], k: int, diversity: float) -> list[int]:
    """A direct implementation of the formula of Carbonell and Goldstein."""

    def similarity(first: int, second: int) -> float:
        a, b = set(genres[first]), set(genres[second])
        if not a or not b:
            return 0.0
        return len(a & b) / float(np.sqrt(len(a) * len(b)))

    relevance = (scores - scores.min()) / max(scores.max() - scores.min(), 1e-300)
    chosen: list[int] = []
    while len(chosen) < k:
        remaining = [index for index in range(len(scores)) if index not in chosen]
        values = [
            (1 - diversity) * relevance[index]
            - diversity * max((similarity(index, other) for other in chosen), default=0.0)
            for index in remaining
        ]
        chosen.append(remaining[int(np.argmax(values))])
    return chosen


@pytest.mark.parametrize("diversity", [0.1, 0.5, 0.93])
@pytest.mark.parametrize("seed", range(5))
def test_diversified_is_maximal_marginal_relevance(diversity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.normal(size=60))[::-1]
    genres = [tuple(rng.choice(list("abcdefg"), rng.integers(0, 4), replace=False)) for _ in range(60)]
    assert diversified(scores, genres, 12, diversity) == by_definition(scores, genres, 12, diversity)


def test_identical_candidates() -> None:
    assert diversified(np.zeros(4, np.float32), [("a",)] * 4, 3, 0.5) == [0, 1, 2]
    assert diversified(np.array([3.0, 2.0]), [(), ()], 2, 0.5) == [0, 1]
    assert diversified(np.array([3.0]), [("a", "a")], 4, 0.5) == [0]
