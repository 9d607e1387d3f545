"""Filter and diversity: which of the best items are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import HanjiError, Item, Recommender
from hanji.runtime.ids import Ids, Items
from hanji.runtime.questions import NOTHING
from hanji.runtime.ranking import RankingRequest, ranking, shortage_note
from hanji.runtime.rerank import diversified

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
        **{"k": k, "excluded": NOTHING, "seen": NOTHING, "filter": None, "diversity": 0.0, **others}
    )


def test_a_filter_keeps_the_order(recommender: Recommender) -> None:
    whole = recommender.recommend(history=HISTORY, k=27)
    for k in (1, 5, 11):
        answer = recommender.recommend(history=HISTORY, k=k, filter=lambda item: "War" in item.genres)
        expected = [row.item for row in whole if "War" in row.genres][:k]
        assert [row.item for row in answer] == expected
        assert [row.rank for row in answer] == list(range(1, k + 1))
        assert answer.note == ""


def test_a_filter_sees_an_item(recommender: Recommender) -> None:
    seen: list[Item] = []
    recommender.recommend(history=HISTORY, k=2, filter=lambda item: bool(seen.append(item)) or True)
    best = recommender.recommend(history=HISTORY, k=2)
    assert seen == [Item(row.item, row.title, row.genres) for row in best], "and no more than it must"


def test_fewer_pass_than_were_asked_for(recommender: Recommender) -> None:
    answer = recommender.recommend(history=HISTORY, k=5, filter=lambda item: item.id in (5001, 5003, 5002))
    assert sorted(row.item for row in answer) == [5001, 5002]
    assert answer.note == (
        "2 of the 5 items asked for: all others are in the history or do not pass the filter"
    )
    nothing = recommender.recommend(history=HISTORY, k=5, filter=lambda _: False, diversity=0.5)
    assert len(nothing) == 0
    assert nothing.note.startswith("0 of the 5 items asked for")


def test_a_filter_for_users_and_for_what_is_popular(onnx_bundle: Path, recommender: Recommender) -> None:
    with Recommender.open(onnx_bundle) as users:
        for user in (100, 1):
            whole = [row.item for row in users.recommend(user, 30) if "War" in row.genres]
            answer = users.recommend(user, 4, filter=lambda item: "War" in item.genres)
            assert [row.item for row in answer] == whole[:4]
        few = users.recommend(100, 4, filter=lambda item: item.id == 5001)
        assert few.note == "1 of the 4 items asked for: all others do not pass the filter"
    popular = recommender.recommend(history=[], k=2, filter=lambda item: not item.genres)
    assert [row.item for row in popular] == [5004, 5008]


def test_errors_of_a_filter_are_its_own(recommender: Recommender) -> None:
    with pytest.raises(ZeroDivisionError):
        recommender.recommend(history=HISTORY, filter=lambda _: bool(1 / 0))


@pytest.mark.parametrize("count", [10, 64, 65, 3_000])
@pytest.mark.parametrize("every", [1, 7, 50])
def test_a_filter_is_a_filter_of_the_whole_ranking(count: int, every: int) -> None:
    items = catalogue(count, [()])
    rng = np.random.default_rng(count)
    scores = rng.integers(0, 40, count).astype(np.float32)
    hidden = np.array([1, 5, 8], np.int32)
    order = [index for index in np.argsort(-scores, kind="stable").tolist() if index not in hidden]
    expected = [index for index in order if index % every == 0]
    for k in (1, 3, 10, count):
        asked = request(k, seen=hidden[:2], excluded=hidden[1:], filter=lambda item: item.id % every == 0)
        found = ranking(scores.copy(), items, asked)
        assert found.tolist() == expected[:k]
        assert bool(shortage_note(len(found), asked)) == (len(expected) < k)


@pytest.mark.parametrize("diversity", [-0.1, 1, 1.5, float("nan"), float("inf")])
def test_diversity_has_bounds(recommender: Recommender, diversity: float) -> None:
    with pytest.raises(HanjiError, match="diversity: expected 0 or more and less than 1, found"):
        recommender.recommend(history=HISTORY, diversity=diversity)


def test_no_diversity_changes_nothing(recommender: Recommender) -> None:
    plain = recommender.recommend(history=HISTORY)
    assert recommender.recommend(history=HISTORY, diversity=0) == plain
    barely = recommender.recommend(history=HISTORY, diversity=1e-9)
    assert [row.item for row in barely] == [row.item for row in plain]


def test_diversity_spreads_genres_and_keeps_scores(recommender: Recommender) -> None:
    scores = recommender.scores(history=HISTORY)
    answer = recommender.recommend(history=HISTORY, k=10, diversity=0.9)
    assert answer.items[0] == recommender.recommend(history=HISTORY, k=1).items[0]
    assert [row.rank for row in answer] == list(range(1, 11))
    assert all(row.score == scores[row.item - 5000] for row in answer)
    assert len({row.item for row in answer} - set(HISTORY)) == 10
    assert sum("War" in row.genres for row in answer) == 1, "items without genres are like nothing"


def test_diversity_looks_no_further_than_ten_times_k() -> None:
    items = catalogue(200, [("a",)])
    items = Items(items.ids, items.titles, (("a",),) * 20 + (("b",),) * 180, items.popularity)
    scores = -np.arange(200, dtype=np.float32)
    assert ranking(scores, items, request(2, diversity=0.99)).tolist() == [0, 1]
    assert ranking(scores, items, request(3, diversity=0.99)).tolist()[:2] == [0, 20]


def test_diversity_takes_its_candidates_behind_the_filter() -> None:
    items = catalogue(100, [("a",), ("b",), ("c",)])
    scores = -np.arange(100, dtype=np.float32)
    asked = request(2, diversity=0.99, filter=lambda item: "b" not in item.genres)
    assert ranking(scores, items, asked).tolist() == [0, 2]


def by_definition(scores: np.ndarray, genres: list[tuple[str, ...]], k: int, diversity: float) -> list[int]:
    """Carbonell and Goldstein's formula, word by word."""

    def similarity(one: int, other: int) -> float:
        left, right = set(genres[one]), set(genres[other])
        if not left or not right:
            return 0.0
        return len(left & right) / float(np.sqrt(len(left) * len(right)))

    relevance = (scores - scores.min()) / max(scores.max() - scores.min(), 1e-300)
    chosen: list[int] = []
    while len(chosen) < k:
        left = [index for index in range(len(scores)) if index not in chosen]
        worth = [
            (1 - diversity) * relevance[index]
            - diversity * max((similarity(index, other) for other in chosen), default=0.0)
            for index in left
        ]
        chosen.append(left[int(np.argmax(worth))])
    return chosen


@pytest.mark.parametrize("diversity", [0.1, 0.5, 0.93])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_maximal_marginal_relevance(diversity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.normal(size=60))[::-1]
    genres = [tuple(rng.choice(list("abcdefg"), rng.integers(0, 4), replace=False)) for _ in range(60)]
    assert diversified(scores, genres, 12, diversity) == by_definition(scores, genres, 12, diversity)


def test_candidates_that_are_all_alike() -> None:
    assert diversified(np.zeros(4, np.float32), [("a",)] * 4, 3, 0.5) == [0, 1, 2]
    assert diversified(np.array([3.0, 2.0]), [(), ()], 2, 0.5) == [0, 1]
    assert diversified(np.array([3.0]), [("a", "a")], 4, 0.5) == [0]
