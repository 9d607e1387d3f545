"""Bundles of recommenders: their content, opening them in the runtime, and byte-for-byte reproducibility."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from jsonschema import Draft202012Validator

from hanji.export.bundle.manifest import parameters
from hanji.export.recommenders.writer import BundleSummary, export_bundle
from hanji.runtime import Recommender, UnknownIdError
from hanji.runtime.top_k import top_k
from hanji.training.errors import ConversionError, HanjiError, RecipeError

Bundles = Callable[..., BundleSummary]
SCHEMES = ("float32", "float16", "dynamic", "int8")
PRECISIONS = {
    "float32": ["float32", "float32", "float32"],
    "float16": ["float16", "float16", "float16"],
    "dynamic": ["dynamic", "int8-weights", "int8-weights"],
    "int8": ["int8", "int8", "int8-simulated"],
}


def table(summary: BundleSummary, name: str) -> Any:
    return json.loads((summary.path / name).read_text(encoding="utf-8"))


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_format_supports_every_scheme_and_states_its_precision(bundle: Bundles, scheme: str) -> None:
    summary = bundle("neumf", scheme)
    assert [artifact.format for artifact in summary.artifacts] == ["tflite", "onnx", "tfjs"]
    assert [artifact.precision for artifact in summary.artifacts] == PRECISIONS[scheme]
    for artifact in summary.artifacts[:2]:
        assert artifact.parity.checked
    assert len(summary.lines()) == 4
    assert str(summary.path) in summary.lines()[-1]


@pytest.mark.parametrize("kind", ["neumf", "ncf", "mf"])
def test_every_type_of_model_is_exported_in_int8(bundle: Bundles, kind: str) -> None:
    assert table(bundle(kind, "int8"), "manifest.json")["model"]["type"] == kind


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_files_follow_the_schema(bundle: Bundles, scheme: str) -> None:
    summary = bundle("neumf", scheme)
    schema = json.loads((resources.files("hanji.runtime") / "manifest.schema.json").read_text())
    Draft202012Validator(schema).validate(table(summary, "manifest.json"))
    for name in ("users", "items", "golden"):
        part = {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}
        Draft202012Validator(part).validate(table(summary, f"{name}.json"))


def test_the_manifest_lists_every_file_with_its_hash(bundle: Bundles) -> None:
    summary = bundle("neumf", "float32")
    manifest = table(summary, "manifest.json")
    listed = [*manifest["files"], *(file for artifact in manifest["artifacts"] for file in artifact["files"])]
    files = contents(summary.path)
    assert {file["path"] for file in listed} | {"manifest.json", "manifest.sha256"} == set(files)
    for file in listed:
        assert file["bytes"] == len(files[file["path"]])
        assert file["sha256"] == hashlib.sha256(files[file["path"]]).hexdigest()
    done = subprocess.run(["sha256sum", "-c", "manifest.sha256"], cwd=summary.path, check=False)
    assert done.returncode == 0


def test_the_model_card_names_the_protocol_of_each_table(
    bundle: Bundles, compressed: Any, tmp_path: Path
) -> None:
    card = (bundle("neumf", "int8").path / "MODEL_CARD.md").read_text()
    assert "Full ranking" not in card  # models of earlier versions have no such metrics
    model = compressed("neumf", "int8")
    full = replace(model.full, full_ranking={"mrr": 0.25, "hr_at_10": 0.5}, full_protocol="among all items")
    both = replace(model, full=full, full_ranking={"mrr": 0.125, "hr_at_10": 0.5})
    summary = export_bundle(both, tmp_path / "both", formats=["onnx"])
    card = (summary.path / "MODEL_CARD.md").read_text()
    sampled, ranked = card.split("## Metrics")[1].split("Full ranking: among all items.")
    assert "99 sampled negatives" in sampled and "ndcg_at_10" in sampled
    assert "| mrr | 0.2500 | 0.1250 |" in ranked


def test_the_manifest_records_the_provenance(bundle: Bundles, compressed: Any) -> None:
    manifest = table(bundle("neumf", "int8"), "manifest.json")
    model = compressed("neumf", "int8")
    assert manifest["name"] == "small"
    assert manifest["recipe"]["steps"][0]["type"] == "quantize"
    assert manifest["recipe"]["sha256"] == model.recipe.sha256
    assert manifest["model"]["parameters"] == manifest["model"]["full_parameters"] == parameters(model.model)
    assert manifest["training_data"]["synthetic"] is True
    assert manifest["metrics"]["compressed"] == model.metrics
    assert {"tensorflow", "onnx", "hanji"} <= set(manifest["versions"])
    pairs = manifest["artifacts"][2]["signatures"]["pairs"]
    assert [tensor["name"] for tensor in pairs["inputs"]] == ["pair_user", "pair_item"]


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_runtime_opens_it_and_passes_the_self_test(bundle: Bundles, scheme: str, engine: Any) -> None:
    with Recommender.open(bundle("neumf", scheme).path, engine=engine) as recommender:
        result = recommender.self_test()
        assert result.passed, result.detail
        assert result.cases == 8
        items = ["item-3", "item-199"]
        scores = recommender.scores(1007)
        np.testing.assert_allclose(recommender.score_pairs([1007, 1007], items), scores[[3, 199]], atol=1e-6)


def test_the_runtime_recommends_the_top_items_of_keras(bundle: Bundles, compressed: Any) -> None:
    model = compressed("neumf").model
    users, items = np.full(200, 42, np.int32), np.arange(200, dtype=np.int32)
    expected = top_k(model([users, items], training=False).numpy()[:, 0], 10)
    with Recommender.open(bundle("neumf", "float32").path) as recommender:
        found = recommender.recommend(1042, k=10)
    assert [row.item for row in found] == [f"item-{index}" for index in expected]
    assert found.items[0].title == f"아이템 {expected[0]} | ½"


def test_golden_contains_the_outputs_of_each_artifact(bundle: Bundles) -> None:
    golden = table(bundle("neumf", "int8"), "golden.json")
    assert golden["k"] == 10
    assert {"tflite", "onnx"} <= set(golden["artifacts"])
    for artifact in golden["artifacts"].values():
        assert len(artifact["cases"]) == 8
        for case in artifact["cases"]:
            assert case["items"][:10] == case["top"]
            assert len(case["items"]) == len(case["scores"]) == 30
            assert case["scores"][:10] == sorted(case["scores"][:10], reverse=True)


def test_policies_for_unknown_ids_are_exported(compressed: Any, tmp_path: Path) -> None:
    options = {"formats": ["tflite"], "unknown_user": "error", "unknown_item": "error"}
    summary = export_bundle(compressed("mf"), tmp_path / "bundle", **options)
    ids = table(summary, "manifest.json")["ids"]
    assert (ids["users"]["unknown"], ids["items"]["unknown"]) == ("error", "error")
    with Recommender.open(summary.path) as recommender, pytest.raises(UnknownIdError):
        recommender.recommend(5)


def test_large_catalogues_have_table_files(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 120 users and 200 items, with a limit between them; and one answer, whatever the files are."""
    model = compressed("mf")
    small = export_bundle(model, tmp_path / "json", formats=["onnx"])
    monkeypatch.setattr("hanji.export.recommenders.manifest.TABLE_FROM", 121)
    large = export_bundle(model, tmp_path / "tables", formats=["onnx"])
    assert {path.name for path in large.path.iterdir()} - {path.name for path in small.path.iterdir()} == {
        "items.table"
    }
    manifest = table(large, "manifest.json")
    assert manifest["ids"]["items"]["path"] == "items.table"
    assert manifest["ids"]["users"]["path"] == "users.json"
    assert manifest["preprocessing"]["item"] == "index of the id in items.table"
    with Recommender.open(large.path) as recommender, Recommender.open(small.path) as other:
        assert recommender.recommend(1005) == other.recommend(1005)
        assert recommender.self_test().passed


def test_another_process_writes_the_same_bytes(bundle: Bundles, tmp_path: Path) -> None:
    """The other process has another hash seed, and built another model before."""
    kinds = [("neumf", "int8"), ("tower", "int4-rows")]
    script = (
        "import runpy, sys; from pathlib import Path\n"
        "made = runpy.run_path(sys.argv[1])\n"
        "made['compressed_model']('ncf')\n"
        "for kind in sys.argv[3:]:\n"
        "    model = made['compressed_model'](*kind.split('/'))\n"
        "    made['export_bundle'](model, Path(sys.argv[2]) / kind)\n"
    )
    conftest = Path(__file__).parents[1] / "conftest.py"
    subprocess.run(
        [sys.executable, "-c", script, str(conftest), str(tmp_path), *map("/".join, kinds)],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        check=True,
    )
    for kind, scheme in kinds:
        here, there = contents(bundle(kind, scheme).path), contents(tmp_path / kind / scheme)
        assert set(here) == set(there)
        assert [path for path in here if here[path] != there[path]] == []


def test_without_node_tfjs_is_marked_as_unchecked(
    compressed: Any, tmp_path: Path, empty_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = export_bundle(compressed("mf"), tmp_path / "bundle")
    manifest = table(summary, "manifest.json")
    parity = manifest["artifacts"][2]["parity"]
    assert parity["checked"] is False
    assert "hanji setup-tfjs" in parity["reason"]
    assert sorted(table(summary, "golden.json")["artifacts"]) == ["onnx", "tflite"]
    assert "NOT CHECKED in its engine" in summary.lines()[2]
    assert "tfjs is NOT checked in its engine" in caplog.text
    assert "**not checked**" in (summary.path / "MODEL_CARD.md").read_text()
    assert not empty_cache.exists()


def test_the_model_card_has_all_sections(bundle: Bundles) -> None:
    card = (bundle("neumf", "int8").path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for text in (
        "# small: neumf recommender",
        "synthetic",
        "Licence of the data: CC0",
        "| hr_at_10 | 0.5000 | 0.5000 |",
        "int8-simulated",
        "## Parity",
        "## Limitations",
    ):
        assert text in card


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["coreml"]}, "formats: expected some of tflite, onnx, tfjs, found coreml"),
        ({"formats": []}, "formats: expected some of tflite, onnx, tfjs, found none"),
        ({"unknown_user": "guess"}, "unknown_user: expected some of popularity, error, found guess"),
        ({"unknown_item": "guess"}, "unknown_item: expected some of skip, error, found guess"),
    ],
)
def test_an_unknown_option_is_rejected(compressed: Any, tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        export_bundle(compressed("mf"), tmp_path / "bundle", **options)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_only_overwritten_with_replace(compressed: Any, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(HanjiError, match="is not empty"):
        export_bundle(compressed("mf"), out, formats=["tflite"])
    assert contents(out) == {"mine.txt": b"mine"}
    export_bundle(compressed("mf"), out, formats=["tflite"], replace=True)
    assert "mine.txt" not in contents(out)
    assert "model.tflite" in contents(out)


def test_a_failed_export_leaves_an_existing_bundle_unchanged(
    compressed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bundle"
    export_bundle(compressed("mf"), out, formats=["tflite"])
    before = contents(out)

    def broken(*arguments: Any) -> bytes:
        raise ConversionError("no")

    monkeypatch.setattr("hanji.export.recommenders.artifacts.convert_onnx", broken)
    with pytest.raises(ConversionError):
        export_bundle(compressed("mf"), out, replace=True)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_catalogue_of_fewer_than_ten_items(compressed: Any, tmp_path: Path) -> None:
    summary = export_bundle(compressed("neumf", items=6), tmp_path / "bundle", formats=["tflite", "onnx"])
    assert table(summary, "golden.json")["k"] == 6
    with Recommender.open(summary.path) as recommender:
        assert recommender.self_test().passed


@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_an_operation_that_a_format_does_not_support_is_a_clear_error(
    fresh: Any, tmp_path: Path, request: pytest.FixtureRequest, target: Any
) -> None:
    if target == "tfjs":
        request.getfixturevalue("tfjs")
    model = fresh("mf")
    user, item = model.model.inputs
    unsupported = keras.layers.Lambda(lambda scores: tf.math.igamma(1.0, tf.abs(scores)))(
        model.model([user, item])
    )
    changed = dataclasses.replace(model, model=keras.Model([user, item], unsupported))
    with pytest.raises(ConversionError) as error:
        export_bundle(changed, tmp_path / "bundle", formats=[target])
    assert len(str(error.value)) < 1000
    assert "Igamma" in str(error.value)
    assert list(tmp_path.iterdir()) == []
