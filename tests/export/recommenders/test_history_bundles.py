"""Bundles of history models: no user data, history input, explanations."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from jsonschema import Draft202012Validator

from hanji.export.recommenders.model_card import model_card
from hanji.export.recommenders.writer import BundleSummary, export_bundle
from hanji.runtime import Recommender, UnknownIdError
from hanji.runtime.top_k import top_k
from hanji.training.errors import RecipeError

Bundles = Callable[..., BundleSummary]
SCHEMES = pytest.mark.parametrize("scheme", ["float32", "float16", "int8-rows", "int4-rows"])
KINDS = pytest.mark.parametrize("kind", ["history", "attention", "tower"])
ENGINES = pytest.mark.parametrize("engine", ["litert", "onnxruntime"])


def table(summary: BundleSummary, name: str) -> Any:
    return json.loads((summary.path / name).read_text(encoding="utf-8"))


@KINDS
@SCHEMES
def test_every_format_supports_every_kind_and_scheme(
    bundle: Bundles, kind: str, scheme: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("tfjs")
    summary = bundle(kind, scheme)
    assert [artifact.precision for artifact in summary.artifacts] == [scheme] * 3
    assert all(artifact.parity.checked for artifact in summary.artifacts)


@pytest.mark.parametrize("scheme", ["float32", "int4-rows"])
def test_the_files_follow_the_schema(bundle: Bundles, scheme: str) -> None:
    summary = bundle("history", scheme)
    schema = json.loads((resources.files("hanji.runtime") / "manifest.schema.json").read_text())
    Draft202012Validator(schema).validate(table(summary, "manifest.json"))
    for name in ("items", "golden"):
        part = {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}
        Draft202012Validator(part).validate(table(summary, f"{name}.json"))


def test_the_bundle_contains_no_user_data(bundle: Bundles) -> None:
    summary = bundle("history", "int4-rows")
    assert sorted(path.name for path in summary.path.iterdir()) == [
        "MODEL_CARD.md",
        "golden.json",
        "items.json",
        "manifest.json",
        "manifest.sha256",
        "model.onnx",
        "model.tflite",
        "tfjs",
        "why.onnx",
    ]
    manifest = table(summary, "manifest.json")
    assert list(manifest["ids"]) == ["items"]
    assert sorted(manifest["preprocessing"]) == ["history", "item"]
    assert manifest["model"]["type"] == "history"


def test_the_manifest_describes_the_signatures(bundle: Bundles) -> None:
    _, onnx, tfjs = table(bundle("history", "int4-rows"), "manifest.json")["artifacts"]
    paths = {name: signature["path"] for name, signature in onnx["signatures"].items()}
    assert paths == {"history": "model.onnx", "why": "why.onnx"}
    why = onnx["signatures"]["why"]
    tensors = [(entry["name"], entry["dtype"], entry["shape"]) for entry in [*why["inputs"], *why["outputs"]]]
    assert tensors == [("history", "int32", [None]), ("item", "int32", [1]), ("shares", "float32", [None])]
    names = {entry["name"] for signature in tfjs["signatures"].values() for entry in signature["inputs"]}
    assert names == {"history", "why_history", "why_item"}
    outputs = [entry["name"] for signature in tfjs["signatures"].values() for entry in signature["outputs"]]
    assert outputs == ["scores", "shares"]


@ENGINES
@SCHEMES
def test_the_runtime_opens_it_and_passes_the_self_test(bundle: Bundles, scheme: str, engine: Any) -> None:
    with Recommender.open(bundle("attention", scheme).path, engine=engine) as recommender:
        assert recommender.takes == "history"
        result = recommender.self_test()
        assert result.passed, result.detail
        assert result.cases == 8


@ENGINES
def test_the_runtime_recommends_the_top_items_of_keras(bundle: Bundles, compressed: Any, engine: Any) -> None:
    history = [3, 150, 77]
    scores = compressed("tower").model(tf.ragged.constant([history], dtype=tf.int32)).numpy()[0]
    scores[history] = -np.inf
    with Recommender.open(bundle("tower", "float32").path, engine=engine) as recommender:
        found = recommender.recommend(history=[f"item-{index}" for index in history], k=10, explain=3)
    assert [row.item for row in found] == [f"item-{index}" for index in top_k(scores, 10)]
    reasons = {reason.item for row in found for reason in row.why}
    assert reasons
    assert reasons <= {f"item-{index}" for index in history}


def test_golden_contains_histories_and_explanations(bundle: Bundles) -> None:
    golden = table(bundle("history", "int8-rows"), "golden.json")
    assert {"tflite", "onnx"} <= set(golden["artifacts"])
    for artifact in golden["artifacts"].values():
        assert len(artifact["cases"]) == 8
        for case in artifact["cases"]:
            assert sorted(case) == ["history", "items", "scores", "top", "why"]
            assert len(set(case["history"])) == len(case["history"]) == len(case["why"]["shares"])
            assert case["items"][:10] == case["top"]


def test_a_catalogue_of_fewer_than_ten_items(compressed: Any, tmp_path: Path) -> None:
    summary = export_bundle(
        compressed("history", "int4-rows", items=6), tmp_path / "bundle", formats=["tflite", "onnx"]
    )
    with Recommender.open(summary.path) as recommender:
        assert recommender.self_test().passed


def test_the_model_card_states_whether_the_order_of_a_history_counts(compressed: Any) -> None:
    cards = {kind: model_card(compressed(kind, "int4-rows"), []) for kind in ("history", "timescales")}
    assert "the items the user has interacted with, in any order." in cards["history"]
    assert "interacted with, oldest first, of which the latest 9 count." in cards["timescales"]


def test_the_model_card_states_that_it_contains_no_user_data(bundle: Bundles) -> None:
    card = (bundle("history", "int4-rows").path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for text in (
        "# small: history recommender",
        "The model contains no user data: no user ids, embeddings or interactions",
        "is not sent anywhere",
        "in int4 with one scale per row",
        "Explanations are the contributions of the history's items",
    ):
        assert text in card
    assert "known users" not in card


def test_a_policy_for_unknown_users_is_rejected(compressed: Any, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="unknown_user: expected none for a history model"):
        export_bundle(compressed("history"), tmp_path / "bundle", unknown_user="error")
    assert list(tmp_path.iterdir()) == []
    options: dict[str, Any] = {"formats": ["tflite"], "unknown_item": "error"}
    summary = export_bundle(compressed("history"), tmp_path / "bundle", **options)
    with Recommender.open(summary.path) as recommender, pytest.raises(UnknownIdError):
        recommender.recommend(history=["item-3", "no such item"])


def test_the_replay_tolerance_is_wider_with_a_quantized_user_vector(bundle: Bundles) -> None:
    artifacts = table(bundle("history", "int4-rows"), "golden.json")["artifacts"]
    assert artifacts["onnx"]["tolerance"] < 0.01 * artifacts["tflite"]["tolerance"]
