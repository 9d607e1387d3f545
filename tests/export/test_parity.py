"""The parity gate: an artifact that is not the model is refused, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hanji.export.artifacts as artifacts
from hanji.export.answers import Answers
from hanji.export.artifacts import convert
from hanji.export.parity import Reference, measured, reference
from hanji.export.tfjs_node import TfjsNode
from hanji.export.tolerances import TOLERANCES
from hanji.export.writer import export_bundle
from hanji.training.errors import ConversionError


def item_table(compressed: Any) -> np.ndarray:
    return compressed.full.model.get_layer("item_mlp").embeddings.numpy()


def exchanged(content: bytes, old: np.ndarray, new: np.ndarray) -> bytes:
    """``content`` with the table ``old`` replaced wherever it is stored."""
    assert old.tobytes() in content
    return content.replace(old.tobytes(), new.tobytes())


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
    scores = [*expected.scores, expected.scores[expected.rows, expected.items]]
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
    expected = Reference(np.arange(2, dtype=np.int32), scores, rows, rows, spread=0.3)
    parity = measured(
        artifact, expected, Answers("engine 1", (*noisy, noisy[0, :1])), TOLERANCES["tflite"]["float32"]
    )
    assert parity.top10_overlap == 1.0


def test_every_tolerance_gives_its_reason() -> None:
    for schemes in TOLERANCES.values():
        assert sorted(schemes) == ["dynamic", "float16", "float32", "int8"]
        for tolerance in schemes.values():
            assert tolerance.why
            assert 0 < tolerance.typical < tolerance.largest < 1
            assert 0.9 <= tolerance.overlap <= 1


def test_node_answers_as_keras_does(compressed: Any, tfjs: TfjsNode, tmp_path: Path) -> None:
    (artifact,) = export_bundle(compressed("neumf"), tmp_path / "bundle", formats=["tfjs"]).artifacts
    assert artifact.parity.checked
    assert artifact.parity.engine == "tfjs 4.22.0 (wasm)"
