"""The parity check: an artifact that deviates from the model is rejected, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import hanji.export.recommenders.artifacts as artifacts
from hanji.compression.recommenders.steps import Scheme
from hanji.export.bundle.queries import Outputs, Query
from hanji.export.formats.tfjs_node import TfjsNode
from hanji.export.recommenders.artifacts import convert
from hanji.export.recommenders.expected_outputs import Reference, reference
from hanji.export.recommenders.parity import recommender_parity
from hanji.export.recommenders.tolerances import TOLERANCES
from hanji.export.recommenders.writer import export_bundle
from hanji.training.errors import ConversionError


def item_table(compressed: Any) -> np.ndarray:
    return compressed.full.model.get_layer("item_gmf").embeddings.numpy()


def with_table_replaced(content: bytes, old: np.ndarray, new: np.ndarray) -> bytes:
    """``content`` with every copy of the table ``old`` replaced, in row-major or column-major order."""
    assert old.tobytes() in content or old.T.tobytes() in content
    return content.replace(old.tobytes(), new.tobytes()).replace(old.T.tobytes(), new.T.tobytes())


def rows_rolled(table: np.ndarray) -> np.ndarray:
    return np.roll(table, 1, axis=0)


def one_sign_flipped(table: np.ndarray) -> np.ndarray:
    bits = table.copy()
    row = np.abs(bits).max(axis=1).argmax()
    bits[row, np.abs(bits[row]).argmax()] *= -1
    return bits


def export_error(compressed: Any, out: Path, target: Any) -> str:
    """The error message of an export that must fail and leave nothing behind."""
    with pytest.raises(ConversionError) as error:
        export_bundle(compressed, out / "bundle", formats=[target])
    assert list(out.iterdir()) == []
    return str(error.value)


@pytest.mark.parametrize("tamper", [rows_rolled, one_sign_flipped])
@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_a_changed_table_is_detected(
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
            return with_table_replaced(result, table, tamper(table))
        shard = "group1-shard1of1.bin"
        return {**result, shard: with_table_replaced(result[shard], table, tamper(table))}

    monkeypatch.setattr(artifacts, f"convert_{target}", tampered)
    message = export_error(model, tmp_path, target)
    assert message.startswith(
        f"{target} (float32): expected the scores of the compressed model within 0.0001"
    )
    assert "no bundle was written" in message


def test_pairs_that_disagree_with_the_catalogue_are_detected(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = artifacts.convert_onnx

    def swapped(model: Any, items: int, scheme: Any, signature: str) -> bytes:
        content = original(model, items, scheme, signature)
        if signature == "catalogue":
            return content
        return content.replace(b"user", b"tmp_").replace(b"item", b"user").replace(b"tmp_", b"item")

    monkeypatch.setattr(artifacts, "convert_onnx", swapped)
    message = export_error(compressed("mf", items=120), tmp_path, "onnx")
    assert "onnx (float32): expected the scores" in message


def test_permuted_rows_of_an_int8_table_are_detected(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compressed("neumf", "int8")
    table = item_table(model)
    stored = np.rint(table / (np.abs(table).max() / 127)).astype(np.int8)
    original = artifacts.convert_tflite
    monkeypatch.setattr(
        artifacts,
        "convert_tflite",
        lambda *arguments: with_table_replaced(original(*arguments), stored, rows_rolled(stored)),
    )
    assert export_error(model, tmp_path, "tflite").startswith("tflite (int8): expected the scores")


def test_an_uncalibrated_model_is_rejected(fresh: Any, tmp_path: Path) -> None:
    model = fresh("neumf", "int8")
    for weight in model.model.non_trainable_weights:
        weight.assign(weight * 0)
    assert "expected a FakeQuant range with low < high" in export_error(model, tmp_path, "tfjs")


def test_a_model_with_nan_scores_is_rejected(fresh: Any, tmp_path: Path) -> None:
    model = fresh("mf")
    layer = model.model.get_layer("item_bias")
    layer.set_weights([np.full_like(layer.get_weights()[0], np.nan)])
    assert "expected finite scores" in export_error(model, tmp_path, "tflite")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_artifact_with_nan_or_infinite_scores_is_rejected(compressed: Any, bad: float) -> None:
    model = compressed("mf")
    expected = reference(model.model, 120, 200)
    scores = [*expected.scores, expected.scores[expected.pair_rows, expected.pair_items]]
    scores[3] = np.full_like(scores[3], bad)
    artifact = convert(model.model, 200, "float32", "tflite").artifact
    with pytest.raises(ConversionError, match="expected finite scores, found NaN or infinity in engine 1"):
        recommender_parity(
            artifact, expected, Outputs("engine 1", tuple(scores)), TOLERANCES["tflite"]["float32"]
        )


def test_a_tie_at_the_edge_of_the_top_ten_counts_as_agreement(compressed: Any) -> None:
    model = compressed("mf")
    artifact = convert(model.model, 200, "float32", "tflite").artifact
    scores = np.tile(np.linspace(1, 0, 200, dtype=np.float32), (2, 1))
    scores[:, 5:20] = scores[:, 5:6]
    noisy = scores + np.linspace(0, 1e-7, 200, dtype=np.float32)
    rows = np.zeros(1, np.int32)
    queries = tuple(Query("catalogue", {"user": np.array([user], np.int32)}) for user in range(2))
    pairs = Query("pairs", {"user": rows, "item": rows})
    expected = Reference(queries, (pairs,), scores, spread=0.3, pair_rows=rows, pair_items=rows)
    parity = recommender_parity(
        artifact, expected, Outputs("engine 1", (*noisy, noisy[0, :1])), TOLERANCES["tflite"]["float32"]
    )
    assert parity.top10_overlap == 1.0


def test_every_tolerance_states_its_reason() -> None:
    for schemes in TOLERANCES.values():
        assert set(schemes) == set(get_args(Scheme))
        for tolerance in schemes.values():
            assert tolerance.why
            assert 0 < tolerance.typical < tolerance.largest < 1
            assert 0.9 <= tolerance.overlap <= 1


def test_tfjs_is_checked_in_node(compressed: Any, tfjs: TfjsNode, tmp_path: Path) -> None:
    (artifact,) = export_bundle(compressed("neumf"), tmp_path / "bundle", formats=["tfjs"]).artifacts
    assert artifact.parity.checked
    assert artifact.parity.engine == "tfjs 4.22.0 (wasm)"


def test_reference_histories_vary_in_length_and_golden_ones_have_no_padding(compressed: Any) -> None:
    expected = reference(compressed("attention").model, 0, 200)
    histories = [query.inputs["history"] for query in expected.queries]
    assert {len(history) == 1 for history in histories} == {True, False}
    assert max(map(len, histories)) > 50
    assert [(history < 0).any() for history in histories] == [False] * 24 + [True] * 8
    for query, shares in zip(expected.detail_queries, expected.shares, strict=True):
        assert ((shares == 0) == (query.inputs["history"] < 0)).all()


@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_a_history_model_with_permuted_rows_is_rejected(
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
    other.item_table.assign(rows_rolled(other.item_table.numpy()))
    original = getattr(artifacts, f"convert_history_{target}")
    monkeypatch.setattr(artifacts, f"convert_history_{target}", lambda model, *rest: original(other, *rest))
    message = export_error(compressed("history", "int4-rows"), tmp_path, target)
    assert message.startswith(f"{target} (int4-rows): expected the scores of the compressed model within")
    assert "over 32 histories" in message


def test_explanations_that_deviate_from_the_model_are_rejected(
    compressed: Any, fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fresh("history").model
    other.user_out.assign(-other.user_out)
    original = artifacts.convert_history_onnx

    def of_another(model: Any, scheme: Any, signature: str) -> bytes:
        return original(other if signature == "why" else model, scheme, signature)

    monkeypatch.setattr(artifacts, "convert_history_onnx", of_another)
    assert "onnx (float32): expected the scores" in export_error(compressed("history"), tmp_path, "onnx")


@pytest.mark.parametrize(("jumps", "rejected"), [(4, False), (5, True)])
def test_up_to_an_eighth_of_the_shares_may_jump(compressed: Any, jumps: int, rejected: bool) -> None:
    model = compressed("history").model
    expected = reference(model, 0, 200)
    shares = [own + (number < jumps) for number, own in enumerate(expected.shares)]
    artifact = convert(model, 200, "float32", "tflite").artifact
    outputs = Outputs("engine 1", (*expected.scores, *shares))
    if not rejected:
        assert recommender_parity(artifact, expected, outputs, TOLERANCES["tflite"]["float32"]).checked
        return
    with pytest.raises(ConversionError, match="expected the scores"):
        recommender_parity(artifact, expected, outputs, TOLERANCES["tflite"]["float32"])


@pytest.mark.parametrize(
    ("kind", "scheme", "message"),
    [
        ("history", "int8", "int8: expected a model with user embeddings, found a history model"),
        ("history", "dynamic", "dynamic: expected a model with user embeddings, found a history model"),
        ("mf", "int8-rows", "int8-rows: expected a history model, found a model with user embeddings"),
    ],
)
def test_a_scheme_for_the_other_type_of_model_is_rejected(
    compressed: Any, kind: str, scheme: Any, message: str
) -> None:
    with pytest.raises(ConversionError, match=message):
        convert(compressed(kind).model, 200, scheme, "tflite")


@pytest.mark.parametrize(("size", "rejected"), [(1.0, True), (20.0, False)])
def test_the_difference_of_an_item_is_relative_to_its_own_scores(
    compressed: Any, size: float, rejected: bool
) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 4_000)).astype(np.float32)
    scores[:, 7] *= size / np.sqrt(np.mean(np.square(scores[:, 7])))
    queries = tuple(Query("history", {"history": np.array([1], np.int32)}) for _ in range(4))
    expected = Reference(queries, (), scores, 1.0, shares=(np.ones(1, np.float32),))
    found = scores.copy()
    found[2, 7] += 0.4
    outputs = Outputs("an engine", (*found, np.ones(1, np.float32)))
    model = compressed("history")
    artifact = convert(model.model, 200, "float32", "tflite").artifact
    allowed = TOLERANCES["tflite"]["int4-rows"]
    if rejected:
        with pytest.raises(ConversionError, match=r"found 0\.4"):
            recommender_parity(artifact, expected, outputs, allowed)
    else:
        assert recommender_parity(artifact, expected, outputs, allowed).max_abs_error == pytest.approx(
            0.02, rel=0.01
        )
