"""Recommendations, scores and the self-test of an open bundle."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import HanjiError, Recommender, UnknownIdError

ENGINES = ["litert", "onnxruntime"]


@pytest.fixture
def recommender(onnx_bundle: Path) -> Recommender:
    return Recommender.open(onnx_bundle)


def opened(parts: Any, path: Path) -> Recommender:
    return Recommender.open(parts.write(path))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_top_items(bundle: Path, weights: Any, engine: str) -> None:
    with Recommender.open(bundle, engine=engine) as recommender:
        for user in range(20):
            result = recommender.recommend(100 + user, 7)
            scores = weights.scores(user)
            expected = np.argsort(-scores, kind="stable")[:7]
            assert [row.item for row in result] == [5000 + index for index in expected]
            assert [row.title for row in result] == [f"Title {index}" for index in expected]
            assert [row.genres for row in result] == [("Drama", "War") if i % 2 else () for i in expected]
            assert [row.rank for row in result] == [1, 2, 3, 4, 5, 6, 7]
            assert np.allclose([row.score for row in result], scores[expected], atol=1e-5)
            assert (result.source, result.note, result.skipped, len(result)) == ("model", "", 0, 7)


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_and_pairs(bundle: Path, weights: Any, engine: str) -> None:
    with Recommender.open(bundle, engine=engine) as recommender:
        scores = recommender.scores(107)
        assert scores.dtype == np.float32
        assert scores.shape == (30,)
        assert np.allclose(scores, weights.scores(7), atol=1e-5)
        for count in (1, 4, 9, 0, 2):  # batch sizes in any order
            users, items = [100 + n for n in range(count)], [5000 + 3 * n for n in range(count)]
            expected = [weights.scores(n)[3 * n] for n in range(count)]
            found = recommender.score_pairs(users, items)
            assert found.dtype == np.float32
            assert np.allclose(found, expected, atol=1e-5)
        assert np.allclose(recommender.scores(107), weights.scores(7), atol=1e-5)
        scores[:] = 0  # the array is owned by the caller
        assert np.allclose(recommender.scores(107), weights.scores(7), atol=1e-5)


def test_pairs_need_one_item_per_user(recommender: Recommender) -> None:
    with pytest.raises(HanjiError, match="as many items as users, found 1 and 2"):
        recommender.score_pairs([100, 101], [5000])
    with pytest.raises(UnknownIdError, match="item 1 is unknown"):
        recommender.score_pairs([100], [1])


def test_exclude(recommender: Recommender) -> None:
    full = [row.item for row in recommender.recommend(100, 30)]
    result = recommender.recommend(100, 3, exclude=[full[0], str(full[2]), full[0]])
    assert [row.item for row in result] == [full[1], full[3], full[4]]
    assert result.skipped == 0
    assert [row.item for row in recommender.recommend(100, 1, exclude=iter(full[:29]))] == [full[29]]
    assert [row.item for row in recommender.recommend(100, 2, exclude=np.array(full[:5]))] == full[5:7]


def test_unknown_excluded_items_are_counted_and_noted(recommender: Recommender) -> None:
    result = recommender.recommend(100, 3, exclude=[1, "x", 5001])
    assert result.skipped == 2
    assert result.note == "unknown excluded ids skipped: 2"


def test_unknown_excluded_items_can_be_an_error(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    parts.manifest["ids"]["items"]["unknown"] = "error"
    with pytest.raises(
        UnknownIdError, match="item 1 is unknown: expected one of the bundle's 30 item ids, such as 5000"
    ):
        opened(parts, tmp_path / "bundle").recommend(100, exclude=[5001, 1])


def test_exclude_is_not_a_string(recommender: Recommender) -> None:
    with pytest.raises(TypeError, match="expected item ids, found one string: '5001'"):
        recommender.recommend(100, exclude="5001")


def test_an_unknown_user_is_ranked_by_popularity(recommender: Recommender) -> None:
    result = recommender.recommend(1, 4, exclude=[5017, 7])
    assert result.source == "popularity"
    assert result.skipped == 1
    assert result.note.startswith(
        "user 1 is unknown to this bundle: ranked by popularity; unknown excluded ids"
    )
    popularity = [(index * 7) % 30 for index in range(30)]
    expected = sorted((index for index in range(30) if index != 17), key=lambda index: -popularity[index])[:4]
    assert [row.item for row in result] == [5000 + index for index in expected]
    assert [row.score for row in result] == [popularity[index] for index in expected]
    again = recommender.recommend(1, 1)
    assert again.items[0].item == 5017, "an exclusion applies to one call only"


def test_an_unknown_user_can_be_an_error(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    parts.manifest["ids"]["users"]["unknown"] = "error"
    with pytest.raises(
        UnknownIdError, match="user 'x' is unknown: expected one of the bundle's 20 user ids, such as 100"
    ):
        opened(parts, tmp_path / "bundle").recommend("x")


def test_an_unknown_user_has_no_scores(recommender: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="user 1 is unknown"):
        recommender.scores(1)


@pytest.mark.parametrize("user", [103, "103", np.int64(103), np.int32(103), np.str_("103")])
def test_integer_ids(recommender: Recommender, user: Any) -> None:
    assert recommender.recommend(user, 3) == recommender.recommend(103, 3)


@pytest.mark.parametrize("user", ["0103", " 103", "103.0", "+103", "1_03", "", "١٠٣", "9" * 5000])
def test_strings_that_do_not_match_the_integer_exactly(recommender: Recommender, user: str) -> None:
    assert recommender.recommend(user).source == "popularity"


def test_text_ids(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx", text_ids=True)
    users = json.loads(parts.files["users.json"])["ids"]
    users[3] = "103"
    parts.files["users.json"] = json.dumps({"ids": users}).encode()
    recommender = opened(parts, tmp_path / "bundle")
    assert recommender.recommend("103", 1).source == "model"
    assert recommender.recommend(103, 1) == recommender.recommend("103", 1), "an integer finds its text"
    assert recommender.recommend(np.int64(103), 1).source == "model"
    assert recommender.recommend(104, 1).source == "popularity"
    assert recommender.recommend("u5", 1, exclude=["i4"]).items[0].item in recommender.items.ids.values
    assert recommender.self_test().passed


@pytest.mark.parametrize("user", [103.0, True, [103], b"103", np.float32(103)])
def test_invalid_id_types(recommender: Recommender, user: Any) -> None:
    with pytest.raises(TypeError, match="expected a user id"):
        recommender.recommend(user)


@pytest.mark.parametrize("k", [0, -1, 31, 10**9])
@pytest.mark.parametrize("user", [100, 1])
def test_k_out_of_range(recommender: Recommender, k: int, user: int) -> None:
    with pytest.raises(HanjiError, match=rf"k={k}: expected 1 to 30: the catalogue has 30 items$"):
        recommender.recommend(user, k)


def test_k_is_limited_by_exclusions(recommender: Recommender) -> None:
    assert len(recommender.recommend(100, 28, exclude=[5000, 5001])) == 28
    with pytest.raises(
        HanjiError, match="k=29: expected 1 to 28: the catalogue has 30 items, 2 of them excluded"
    ):
        recommender.recommend(100, 29, exclude=[5000, 5001])
    with pytest.raises(TypeError):
        recommender.recommend(100, 2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
def test_self_test(bundle: Path, engine: str) -> None:
    with Recommender.open(bundle, engine=engine) as recommender:
        result = recommender.self_test()
    assert result.passed
    assert result.cases == 5
    assert result.max_abs_error < 1e-5
    assert "5 users, largest difference" in result.detail


def test_self_test_detects_other_scores(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    golden["artifacts"]["onnx"]["cases"][2]["scores"][6] += 0.01
    parts.files["golden.json"] = json.dumps(golden).encode()
    result = opened(parts, tmp_path / "bundle").self_test()
    assert not result.passed
    assert result.max_abs_error == pytest.approx(0.01, abs=1e-4)
    assert "1 failed, first: user 108: a score differs by 0.01" in result.detail


def test_self_test_detects_unexpected_items_in_the_top_k(
    make_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    case = golden["artifacts"]["onnx"]["cases"][0]
    best = case["items"].pop(0)
    del case["scores"][0]
    case["top"] = case["items"][:5]
    parts.files["golden.json"] = json.dumps(golden).encode()
    result = opened(parts, tmp_path / "bundle").self_test()
    assert not result.passed
    assert f"user 100: unexpected items in the top 5: {best}" in result.detail


def test_an_artifact_that_was_not_run_at_export(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    del golden["artifacts"]["onnx"]
    parts.files["golden.json"] = json.dumps(golden).encode()
    result = opened(parts, tmp_path / "bundle").self_test()
    assert not result.passed
    assert "has no cases for onnx" in result.detail


def test_a_closed_recommender(onnx_bundle: Path) -> None:
    with Recommender.open(onnx_bundle) as recommender:
        pass
    recommender.close()
    with pytest.raises(HanjiError, match="this Recommender is closed"):
        recommender.recommend(100)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_can_share_a_recommender(bundle: Path, weights: Any, engine: str) -> None:
    recommender = Recommender.open(bundle, engine=engine)
    wrong = []

    def work(user: int) -> None:
        for _ in range(100):
            if not np.allclose(recommender.scores(100 + user), weights.scores(user), atol=1e-5):
                wrong.append(user)
            pair = recommender.score_pairs([100 + user] * (user + 1), [5003] * (user + 1))
            if not np.allclose(pair, weights.scores(user)[3], atol=1e-5):
                wrong.append(user)

    threads = [threading.Thread(target=work, args=(user,)) for user in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_properties(recommender: Recommender) -> None:
    assert recommender.manifest.training_data.synthetic
    assert recommender.artifact.format == "onnx"
    assert len(recommender.users) == 20
    assert len(recommender.items) == 30
    assert recommender.items.ids.values[:2] == (5000, 5001)
    assert recommender.items.popularity.tolist()[:3] == [0, 7, 14]
    assert recommender.takes == "user"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, "neither user nor history"),
        ({"history": [5001]}, "history"),
        ({"user": 100, "history": []}, "user and history"),
    ],
)
def test_a_bundle_that_takes_users(recommender: Recommender, arguments: dict[str, Any], found: str) -> None:
    for call in (recommender.recommend, recommender.scores, recommender.engine_call):
        with pytest.raises(HanjiError, match=rf"expected user=ID: .*, not a history; found {found}$"):
            call(**arguments)


def test_a_user_bundle_has_no_explanations(recommender: Recommender) -> None:
    with pytest.raises(HanjiError, match="takes a user, not a history"):
        recommender.recommend(100, explain=3)
    with pytest.raises(HanjiError, match="takes a user, not a history"):
        recommender.why([5001], 5002)


def test_exclude_seen_has_no_effect_for_users(recommender: Recommender) -> None:
    assert recommender.recommend(100, exclude_seen=False) == recommender.recommend(100)
    assert all(row.why == () for row in recommender.recommend(100))
