"""A bundle without a user table: recommendations for a history, and their explanations."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import EngineError, HanjiError, Recommender, UnknownIdError

ENGINES = ["litert", "onnxruntime"]
HISTORY = [5003, 5017, 5008]
INDICES = [3, 17, 8]


@pytest.fixture
def recommender(onnx_history_bundle: Path) -> Recommender:
    return Recommender.open(onnx_history_bundle)


def opened(parts: Any, path: Path) -> Recommender:
    return Recommender.open(parts.write(path))


def order_without(scores: np.ndarray, excluded: list[int]) -> list[int]:
    return [index for index in np.argsort(-scores, kind="stable").tolist() if index not in excluded]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_top_unseen_items(history_bundle: Path, history_weights: Any, engine: str) -> None:
    rng = np.random.default_rng(1)
    with Recommender.open(history_bundle, engine=engine) as recommender:
        for length in (1, 25, 3, 7, 1, 20, 20, 2):  # lengths in any order
            history = rng.choice(30, length, replace=False).tolist()
            scores = history_weights.scores(history)
            expected = order_without(scores, history)[:5]
            result = recommender.recommend(history=[5000 + index for index in history], k=5)
            assert [row.item for row in result] == [5000 + index for index in expected]
            assert np.allclose([row.score for row in result], scores[expected], atol=1e-4)
            assert (result.source, result.note, result.skipped) == ("model", "", 0)
            assert [row.rank for row in result] == [1, 2, 3, 4, 5]
            assert all(row.why == () for row in result)


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_and_contributions(history_bundle: Path, history_weights: Any, engine: str) -> None:
    with Recommender.open(history_bundle, engine=engine) as recommender:
        for history in (INDICES, [4], list(range(29)), INDICES):
            ids = [5000 + index for index in history]
            scores = recommender.scores(history=ids)
            assert scores.dtype == np.float32
            assert np.allclose(scores, history_weights.scores(history), atol=1e-4)
            contributions = history_weights.shares(history, 11)
            assert scores[11] == pytest.approx(history_weights.bias[11] + contributions.sum(), abs=1e-4)
            total = contributions[contributions > 0].sum()
            expected = [i for i in np.argsort(-contributions, kind="stable") if contributions[i] > 0]
            reasons = recommender.why(ids, 5011, k=30)
            assert [reason.item for reason in reasons] == [ids[i] for i in expected]
            assert [reason.title for reason in reasons] == [f"Title {history[i]}" for i in expected]
            for reason, i in zip(reasons, expected, strict=True):
                assert reason.contribution == pytest.approx(contributions[i], abs=1e-4)
                assert reason.share == pytest.approx(contributions[i] / total, abs=1e-4)
            assert recommender.why(ids, "5011", k=2) == reasons[:2]


def test_shares_of_positive_contributions_sum_to_1(recommender: Recommender) -> None:
    history = list(range(5000, 5025))
    for item in range(5000, 5030):
        reasons = recommender.why(history, item, k=25)
        assert 0 < len(reasons) < 25, "items that lowered the score are not reasons"
        assert sum(reason.share for reason in reasons) == pytest.approx(1)
        assert all(reason.share > 0 for reason in reasons)


def test_an_item_that_lowers_a_score_is_not_a_reason(recommender: Recommender, history_weights: Any) -> None:
    lowering = next(index for index in range(30) if history_weights.shares([index], 3)[0] < 0)
    assert recommender.why([5000 + lowering], 5003) == []


def test_explain(recommender: Recommender) -> None:
    result = recommender.recommend(history=HISTORY, k=6, explain=2)
    assert any(row.why for row in result)
    for row in result:
        assert row.why == tuple(recommender.why(HISTORY, row.item, k=2))
    plain = recommender.recommend(history=HISTORY, k=6)
    assert [row._replace(why=()) for row in result] == list(plain)


@pytest.mark.parametrize("count", [0, -1])
def test_the_number_of_reasons_must_be_positive(recommender: Recommender, count: int) -> None:
    with pytest.raises(HanjiError, match=rf"reasons: expected 1 or more, found {count}"):
        recommender.why(HISTORY, 5001, k=count)
    if count:
        with pytest.raises(HanjiError, match="reasons: expected 1 or more"):
            recommender.recommend(history=HISTORY, explain=count)


def test_a_model_without_explanations(make_history_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_history_parts("onnx")
    del parts.manifest["artifacts"][0]["signatures"]["why"]
    recommender = opened(parts, tmp_path / "bundle")
    assert len(recommender.recommend(history=HISTORY)) == 10
    for call in (
        lambda: recommender.why(HISTORY, 5001),
        lambda: recommender.recommend(history=HISTORY, explain=1),
        recommender.self_test,
    ):
        with pytest.raises(HanjiError, match="the onnx artifact has no signature 'why'; export it again"):
            call()


def test_seen_items_can_be_recommended(recommender: Recommender, history_weights: Any) -> None:
    result = recommender.recommend(history=HISTORY, k=30, exclude_seen=False)
    expected = order_without(history_weights.scores(INDICES), [])
    assert [row.item for row in result] == [5000 + index for index in expected]


def test_excluded_and_seen(recommender: Recommender, history_weights: Any) -> None:
    result = recommender.recommend(history=HISTORY, k=20, exclude=[5003, 5001, 9])
    expected = order_without(history_weights.scores(INDICES), [*INDICES, 1])[:20]
    assert [row.item for row in result] == [5000 + index for index in expected]
    assert (result.skipped, result.note) == (1, "unknown excluded ids skipped: 1")


def test_unknown_items_of_a_history_are_skipped_and_noted(recommender: Recommender) -> None:
    known = recommender.recommend(history=HISTORY, k=4)
    result = recommender.recommend(history=[1, *HISTORY, "x"], k=4, exclude=[2])
    assert result.items == known.items
    assert result.skipped == 3
    assert result.note == "unknown history ids skipped: 2; unknown excluded ids skipped: 1"
    assert recommender.scores(history=[1, *HISTORY]).tolist() == recommender.scores(history=HISTORY).tolist()
    assert recommender.why([1, *HISTORY], 5001) == recommender.why(HISTORY, 5001)


def test_unknown_items_of_a_history_can_be_an_error(
    make_history_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_history_parts("onnx")
    parts.manifest["ids"]["items"]["unknown"] = "error"
    recommender = opened(parts, tmp_path / "bundle")
    for call in (
        lambda: recommender.recommend(history=[5001, 1]),
        lambda: recommender.scores(history=[5001, 1]),
        lambda: recommender.why([5001, 1], 5002),
    ):
        with pytest.raises(UnknownIdError, match="item 1 is unknown: expected one of the bundle's 30 item"):
            call()
    assert recommender.recommend(history=[]).source == "popularity"


def test_the_item_to_explain_must_be_known(recommender: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="item 1 is unknown"):
        recommender.why(HISTORY, 1)


def test_duplicates_count_once_at_their_last_position(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = []
    run = recommender._open_engine().run

    def record(signature: str, inputs: Any) -> Any:
        recorded.append((inputs["history"].tolist(), inputs["history"].dtype))
        return run(signature, inputs)

    monkeypatch.setattr(recommender._open_engine(), "run", record)
    recommender.recommend(history=[5003, "5017", 5003, 5008, 5017])
    assert recorded == [([3, 8, 17], np.dtype(np.int32))], "int32, no padding"


@pytest.mark.parametrize(("history", "skipped"), [([], 0), ([1, "x"], 2), (iter(()), 0), (np.array([]), 0)])
def test_a_history_without_known_items_is_ranked_by_popularity(
    recommender: Recommender, history: Any, skipped: int
) -> None:
    result = recommender.recommend(history=history, k=3, exclude=[5017], explain=2)
    assert (result.source, result.skipped) == ("popularity", skipped)
    assert result.note.startswith("the history contains no known item: ranked by popularity")
    assert ("skipped: 2" in result.note) == bool(skipped)
    assert [row.item for row in result] == [5004, 5021, 5008]
    assert all(row.why == () for row in result)


def test_an_empty_history_has_no_scores(recommender: Recommender) -> None:
    for history in ([], [1], [-1]):
        for call in (
            lambda history=history: recommender.scores(history=history),
            lambda history=history: recommender.why(history, 5001),
            lambda history=history: recommender.engine_call(history=history),
        ):
            with pytest.raises(HanjiError, match="expected at least one known item id"):
                call()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, "neither user nor history"),
        ({"user": 100}, "user"),
        ({"user": 100, "history": [5001]}, "user and history"),
    ],
)
def test_a_bundle_that_takes_histories(
    recommender: Recommender, arguments: dict[str, Any], found: str
) -> None:
    for call in (recommender.recommend, recommender.scores, recommender.engine_call):
        with pytest.raises(HanjiError, match=rf"expected history=\[ID, …\]: .*; found {found}$"):
            call(**arguments)
    with pytest.raises(HanjiError, match="score_pairs: this bundle has no user table"):
        recommender.score_pairs([100], [5001])


def test_properties(recommender: Recommender) -> None:
    assert recommender.takes == recommender.manifest.takes == "history"
    assert recommender.users is None
    assert recommender.manifest.users is None
    assert recommender.artifact.precision == "int8-rows"


def test_a_history_is_not_a_string(recommender: Recommender) -> None:
    with pytest.raises(TypeError, match="history: expected item ids, found one string: '5001'"):
        recommender.recommend(history="5001")
    with pytest.raises(TypeError, match="expected an item id"):
        recommender.recommend(history=[5001, 5.5])  # type: ignore[list-item]


@pytest.mark.parametrize("convert", [tuple, iter, np.array, lambda ids: np.array(ids, np.int32), set])
def test_types_of_histories(recommender: Recommender, convert: Callable[[list[int]], Any]) -> None:
    found = recommender.recommend(history=convert(HISTORY))
    assert [row.item for row in found] == [row.item for row in recommender.recommend(history=HISTORY)]


def test_text_ids(make_history_parts: Callable[..., Any], tmp_path: Path) -> None:
    recommender = opened(make_history_parts("onnx", text_ids=True), tmp_path / "bundle")
    result = recommender.recommend(history=["i3", "i17", 8, "i8"], k=4, explain=1)
    assert result.skipped == 1, "an integer does not match a string id"
    assert not {"i3", "i17", "i8"} & {row.item for row in result}
    assert recommender.self_test().passed


def test_fewer_than_k_are_unseen(recommender: Recommender) -> None:
    result = recommender.recommend(history=range(5000, 5027), k=10)
    assert sorted(row.item for row in result) == [5027, 5028, 5029]
    assert result.note == "only 3 of the 10 requested items: all others are in the history"
    excluded = recommender.recommend(history=range(5000, 5027), k=10, exclude=[5028])
    assert excluded.note == "only 2 of the 10 requested items: all others are in the history or are excluded"
    nothing = recommender.recommend(history=range(5000, 5030), k=10, explain=1, diversity=0.5)
    assert len(nothing) == 0
    with pytest.raises(HanjiError, match=r"k=31: expected 1 to 30: the catalogue has 30 items$"):
        recommender.recommend(history=HISTORY, k=31)


@pytest.mark.parametrize("engine", ENGINES)
def test_self_test(history_bundle: Path, engine: str) -> None:
    with Recommender.open(history_bundle, engine=engine) as recommender:
        result = recommender.self_test()
    assert result.passed, result.detail
    assert result.cases == 4
    assert "4 histories, largest difference" in result.detail


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda case: case["scores"].__setitem__(6, case["scores"][6] + 0.01), "a score differs by 0.01"),
        (
            lambda case: case["why"]["shares"].__setitem__(1, case["why"]["shares"][1] + 0.01),
            "a share differs by 0.01",
        ),
        (lambda case: case["history"].reverse(), "a share differs by"),
    ],
)
def test_self_test_detects_differences(
    make_history_parts: Callable[..., Any], tmp_path: Path, change: Callable[[Any], None], problem: str
) -> None:
    parts = make_history_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    change(golden["artifacts"]["onnx"]["cases"][2])
    parts.files["golden.json"] = json.dumps(golden).encode()
    result = opened(parts, tmp_path / "bundle").self_test()
    assert not result.passed
    assert "1 failed, first: history of 5 items starting with 50" in result.detail
    assert problem in result.detail


def test_golden_histories_must_have_known_items(
    make_history_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_history_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    golden["artifacts"]["onnx"]["cases"][0]["history"].append(1)
    parts.files["golden.json"] = json.dumps(golden).encode()
    with pytest.raises(UnknownIdError, match="item 1 is unknown"):
        opened(parts, tmp_path / "bundle").self_test()


def test_golden_users_in_a_bundle_that_takes_histories(
    make_history_parts: Callable[..., Any], make_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_history_parts("onnx")
    parts.files["golden.json"] = make_parts("onnx").files["golden.json"]
    with pytest.raises(HanjiError, match="this bundle takes the user's history"):
        opened(parts, tmp_path / "bundle").self_test()


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_can_share_a_recommender(history_bundle: Path, history_weights: Any, engine: str) -> None:
    recommender = Recommender.open(history_bundle, engine=engine)
    wrong = []

    def work(length: int) -> None:
        history = list(range(length))
        ids = [5000 + index for index in history]
        expected, reasons = history_weights.scores(history), recommender.why(ids, 5029)
        for _ in range(100):
            if not np.allclose(recommender.scores(history=ids), expected, atol=1e-4):
                wrong.append(length)
            if recommender.why(ids, 5029) != reasons:
                wrong.append(length)

    threads = [threading.Thread(target=work, args=(length,)) for length in (1, 4, 9, 28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bare_call_of_a_history(history_bundle: Path, engine: str) -> None:
    with Recommender.open(history_bundle, engine=engine) as recommender:
        for length in (3, 20, 1):
            ids = list(range(5000, 5000 + length))
            before = recommender.scores(history=ids).tolist()
            recommender.recommend(history=[5001] * (length + 3))
            call = recommender.engine_call(history=ids)
            for _ in range(3):
                call()
            assert recommender.scores(history=ids).tolist() == before


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_history_models_ignore_padding(
    make_history_parts: Callable[..., Any], history_weights: Any, tmp_path: Path, form: str, engine: str
) -> None:
    """The contract of history models, on which other runtimes rely; this runtime never pads."""
    recommender = opened(make_history_parts(form), tmp_path / "bundle")
    run = recommender._open_engine().run
    padded = np.array([-1, 3, 17, -1, 8], np.int32)
    assert np.allclose(run("history", {"history": padded}), history_weights.scores(INDICES), atol=1e-4)
    shares = run("why", {"history": padded, "item": np.array([11], np.int32)})
    assert np.allclose(shares[[1, 2, 4]], history_weights.shares(INDICES, 11), atol=1e-4)
    assert shares[[0, 3]].tolist() == [0, 0]
    empty = run("history", {"history": np.full(4, -1, np.int32)})
    assert np.allclose(empty, history_weights.bias, atol=1e-5)


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_an_index_out_of_range(
    make_history_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    recommender = opened(make_history_parts(form), tmp_path / "bundle")
    invalid = {"history": np.array([3, 1000], np.int32)}
    with pytest.raises(EngineError, match=rf"{engine} .*signature 'history' failed"):
        recommender._open_engine().run("history", invalid)
    assert len(recommender.recommend(history=HISTORY)) == 10, "the engine still works"


def test_scores_and_shares_that_are_not_finite(
    make_history_parts: Callable[..., Any], history_weights: Any, tmp_path: Path
) -> None:
    scales = history_weights.scales.copy()
    scales[3] = np.nan
    parts = make_history_parts("onnx", model=dataclasses.replace(history_weights, scales=scales))
    with Recommender.open(parts.write(tmp_path / "bundle")) as recommender:
        for call in (
            lambda: recommender.recommend(history=HISTORY),
            lambda: recommender.why(HISTORY, 5001),
        ):
            with pytest.raises(EngineError, match="is not a finite number"):
                call()


@pytest.mark.parametrize(
    ("signature", "change", "message"),
    [
        (
            "history",
            lambda entry: entry["inputs"][0].update(dtype="int64"),
            "expected inputs int32 history and",
        ),
        ("history", lambda entry: entry["outputs"][0].update(dtype="int8"), "output float32, .* output int8"),
        ("why", lambda entry: entry["inputs"].pop(), "expected inputs int32 history, int32 item and"),
    ],
)
def test_unsupported_signatures(
    make_history_parts: Callable[..., Any],
    tmp_path: Path,
    signature: str,
    change: Callable[[Any], None],
    message: str,
) -> None:
    parts = make_history_parts("onnx")
    change(parts.manifest["artifacts"][0]["signatures"][signature])
    with pytest.raises(EngineError, match=message):
        opened(parts, tmp_path / "bundle").why(HISTORY, 5001)
