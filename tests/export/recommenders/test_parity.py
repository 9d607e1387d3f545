"""The parity gate: an artifact that is not the model is refused, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import hanji.export.recommenders.artifacts as artifacts
from hanji.compression.recommenders.steps import Scheme
from hanji.export.bundle.answers import Answers, Question
from hanji.export.formats.tfjs_node import TfjsNode
from hanji.export.recommenders.artifacts import convert
from hanji.export.recommenders.expected_outputs import Reference, reference
from hanji.export.recommenders.parity import measured
from hanji.export.recommenders.tolerances import TOLERANCES
from hanji.export.recommenders.writer import export_bundle
from hanji.training.errors import ConversionError


def item_table(compressed: Any) -> np.ndarray:
    return compressed.full.model.get_layer("item_gmf").embeddings.numpy()


def exchanged(content: bytes, old: np.ndarray, new: np.ndarray) -> bytes:
    """``content`` with the table ``old`` replaced wherever it is stored, row by row or column by column."""
    assert old.tobytes() in content or old.T.tobytes() in content
    return content.replace(old.tobytes(), new.tobytes()).replace(old.T.tobytes(), new.T.tobytes())


def rows_out_of_place(table: np.ndarray) -> np.ndarray:
    return np.roll(table, 1, axis=0)


def one_sign_flipped(table: np.ndarray) -> np.ndarray:
    bits = table.copy()
    row = np.abs(bits).max(axis=1).argmax()
    bits[row, np.abs(bits[row]).argmax()] *= -1
    return bits


def refuse(compressed: Any, out: Path, target: Any) -> str:
    """The message with which the export to one format is refused; nothing may be left of it."""
    with pytest.raises(ConversionError) as refusal:
        export_bundle(compressed, out / "bundle", formats=[target])
    assert list(out.iterdir()) == []
    return str(refusal.value)


@pytest.mark.parametrize("tamper", [rows_out_of_place, one_sign_flipped])
@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_a_table_that_was_changed_is_noticed(
    compressed: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    target: str,
    tamper: Callable[[np.ndarray], np.ndarray],
) -> None:
    if target == "tfjs":
        request.getfixturevalue("tfjs")
    model = compressed("neumf")
    table = item_table(model)
    original = getattr(artifacts, f"convert_{target}")

    def tampered(*arguments: Any) -> Any:
        result = original(*arguments)
        if isinstance(result, bytes):
            return exchanged(result, table, tamper(table))
        shard = "group1-shard1of1.bin"
        return {**result, shard: exchanged(result[shard], table, tamper(table))}

    monkeypatch.setattr(artifacts, f"convert_{target}", tampered)
    message = refuse(model, tmp_path, target)
    assert message.startswith(
        f"{target} (float32): expected the scores of the compressed model within 0.0001"
    )
    assert "no bundle was written" in message


def test_pairs_that_disagree_with_the_catalogue_are_noticed(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = artifacts.convert_onnx

    def swapped(model: Any, items: int, scheme: Any, signature: str) -> bytes:
        content = original(model, items, scheme, signature)
        if signature == "catalogue":
            return content
        return content.replace(b"user", b"tmp_").replace(b"item", b"user").replace(b"tmp_", b"item")

    monkeypatch.setattr(artifacts, "convert_onnx", swapped)
    assert "onnx (float32): expected the scores" in refuse(compressed("mf", items=120), tmp_path, "onnx")


def test_an_int8_table_out_of_place_is_noticed(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compressed("neumf", "int8")
    table = item_table(model)
    stored = np.rint(table / (np.abs(table).max() / 127)).astype(np.int8)
    original = artifacts.convert_tflite
    monkeypatch.setattr(
        artifacts,
        "convert_tflite",
        lambda *arguments: exchanged(original(*arguments), stored, rows_out_of_place(stored)),
    )
    assert refuse(model, tmp_path, "tflite").startswith("tflite (int8): expected the scores")


def test_a_model_that_is_not_calibrated_is_refused(fresh: Any, tmp_path: Path) -> None:
    model = fresh("neumf", "int8")
    for weight in model.model.non_trainable_weights:
        weight.assign(weight * 0)
    assert "expected a FakeQuant range with low < high" in refuse(model, tmp_path, "tfjs")


def test_scores_that_are_no_numbers_are_refused(fresh: Any, tmp_path: Path) -> None:
    model = fresh("mf")
    layer = model.model.get_layer("item_bias")
    layer.set_weights([np.full_like(layer.get_weights()[0], np.nan)])
    assert "expected finite scores" in refuse(model, tmp_path, "tflite")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_artifact_that_answers_no_numbers_is_refused(compressed: Any, bad: float) -> None:
    model = compressed("mf")
    expected = reference(model.model, 120, 200)
    scores = [*expected.scores, expected.scores[expected.pair_rows, expected.pair_items]]
    scores[3] = np.full_like(scores[3], bad)
    artifact = convert(model.model, 200, "float32", "tflite").artifact
    with pytest.raises(ConversionError, match="expected finite scores, found NaN or infinity in engine 1"):
        measured(artifact, expected, Answers("engine 1", tuple(scores)), TOLERANCES["tflite"]["float32"])


def test_a_tie_at_the_edge_of_the_top_ten_is_no_difference(compressed: Any) -> None:
    model = compressed("mf")
    artifact = convert(model.model, 200, "float32", "tflite").artifact
    scores = np.tile(np.linspace(1, 0, 200, dtype=np.float32), (2, 1))
    scores[:, 5:20] = scores[:, 5:6]
    noisy = scores + np.linspace(0, 1e-7, 200, dtype=np.float32)
    rows = np.zeros(1, np.int32)
    asked = tuple(Question("catalogue", {"user": np.array([user], np.int32)}) for user in range(2))
    pairs = Question("pairs", {"user": rows, "item": rows})
    expected = Reference(asked, (pairs,), scores, spread=0.3, pair_rows=rows, pair_items=rows)
    parity = measured(
        artifact, expected, Answers("engine 1", (*noisy, noisy[0, :1])), TOLERANCES["tflite"]["float32"]
    )
    assert parity.top10_overlap == 1.0


def test_every_tolerance_gives_its_reason() -> None:
    for schemes in TOLERANCES.values():
        assert set(schemes) == set(get_args(Scheme))
        for tolerance in schemes.values():
            assert tolerance.why
            assert 0 < tolerance.typical < tolerance.largest < 1
            assert 0.9 <= tolerance.overlap <= 1


def test_node_answers_as_keras_does(compressed: Any, tfjs: TfjsNode, tmp_path: Path) -> None:
    (artifact,) = export_bundle(compressed("neumf"), tmp_path / "bundle", formats=["tfjs"]).artifacts
    assert artifact.parity.checked
    assert artifact.parity.engine == "tfjs 4.22.0 (wasm)"


def test_histories_of_many_lengths_are_asked_about_and_golden_ones_hold_no_padding(compressed: Any) -> None:
    expected = reference(compressed("attention").model, 0, 200)
    histories = [question.inputs["history"] for question in expected.questions]
    assert {len(history) == 1 for history in histories} == {True, False}
    assert max(map(len, histories)) > 50
    assert [(history < 0).any() for history in histories] == [False] * 24 + [True] * 8
    for question, shares in zip(expected.details, expected.shares, strict=True):
        assert ((shares == 0) == (question.inputs["history"] < 0)).all()


@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_a_history_model_whose_rows_are_out_of_place_is_refused(
    compressed: Any,
    fresh: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    target: str,
) -> None:
    if target == "tfjs":
        request.getfixturevalue("tfjs")
    other = fresh("history", "int4-rows").model
    other.item_table.assign(rows_out_of_place(other.item_table.numpy()))
    original = getattr(artifacts, f"convert_history_{target}")
    monkeypatch.setattr(artifacts, f"convert_history_{target}", lambda model, *rest: original(other, *rest))
    message = refuse(compressed("history", "int4-rows"), tmp_path, target)
    assert message.startswith(f"{target} (int4-rows): expected the scores of the compressed model within")
    assert "over 32 histories" in message


def test_reasons_that_are_not_those_of_the_model_are_refused(
    compressed: Any, fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fresh("history").model
    other.user_out.assign(-other.user_out)
    original = artifacts.convert_history_onnx

    def of_another(model: Any, scheme: Any, signature: str) -> bytes:
        return original(other if signature == "why" else model, scheme, signature)

    monkeypatch.setattr(artifacts, "convert_history_onnx", of_another)
    assert "onnx (float32): expected the scores" in refuse(compressed("history"), tmp_path, "onnx")


@pytest.mark.parametrize(("jumps", "refused"), [(4, False), (5, True)])
def test_shares_may_jump_where_a_unit_changes_sides_but_not_often(
    compressed: Any, jumps: int, refused: bool
) -> None:
    model = compressed("history").model
    expected = reference(model, 0, 200)
    shares = [own + (number < jumps) for number, own in enumerate(expected.shares)]
    artifact = convert(model, 200, "float32", "tflite").artifact
    answers = Answers("engine 1", (*expected.scores, *shares))
    if not refused:
        assert measured(artifact, expected, answers, TOLERANCES["tflite"]["float32"]).checked
        return
    with pytest.raises(ConversionError, match="expected the scores"):
        measured(artifact, expected, answers, TOLERANCES["tflite"]["float32"])


@pytest.mark.parametrize(
    ("kind", "scheme", "words"),
    [
        ("history", "int8", "int8: expected a model of users, found a history model"),
        ("history", "dynamic", "dynamic: expected a model of users, found a history model"),
        ("mf", "int8-rows", "int8-rows: expected a history model, found a model of users"),
    ],
)
def test_a_scheme_for_the_other_kind_of_model_is_refused(
    compressed: Any, kind: str, scheme: Any, words: str
) -> None:
    with pytest.raises(ConversionError, match=words):
        convert(compressed(kind).model, 200, scheme, "tflite")
