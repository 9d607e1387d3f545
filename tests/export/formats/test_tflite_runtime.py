"""Compatibility with tflite-runtime and TensorFlow Lite; tests/pi and tests/android run these engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.export.formats.tflite_graph import opened, packed
from hanji.export.formats.tflite_runtime import (
    NEWEST_VERSIONS,
    TENSORFLOW_LITE_VERSIONS,
    tflite_engines,
    unknown_operators,
)
from hanji.export.recommenders.artifacts import convert
from hanji.export.recommenders.writer import export_bundle

Kind = schema.BuiltinOperator
Compressed = Callable[..., CompressedModel]


def engines(compressed: CompressedModel) -> dict[str, str]:
    artifact = convert(compressed.model, 200, compressed.scheme, "tflite").artifact
    return {requirement.name: requirement.oldest_version for requirement in artifact.engines}


@pytest.mark.parametrize(
    ("kind", "scheme"), [("neumf", "int8"), ("neumf", "float16"), ("history", "int8-rows")]
)
def test_compatible_files_list_tflite_runtime(compressed: Compressed, kind: str, scheme: str) -> None:
    found = engines(compressed(kind, scheme))
    assert found["tflite-runtime"] == "2.14.0"
    assert found["tensorflow-lite"] == "2.20.0"
    assert list(found) == ["litert", "tflite-runtime", "tensorflow-lite"]


def test_incompatible_operators_are_logged(
    compressed: Compressed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export_bundle(compressed("history", "int4-rows"), tmp_path / "bundle", formats=("tflite",))
    line = next(line for line in caplog.text.splitlines() if "tflite-runtime" in line)
    assert "EMBEDDING_LOOKUP version 4 (supported up to 3)" in line
    assert "FULLY_CONNECTED version 12 (supported up to 10)" in line
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["artifacts"][0]["engines"]] == ["litert", "tensorflow-lite"]


def test_unsupported_operators_are_named(compressed: Compressed) -> None:
    content = convert(compressed("mf", "float32").model, 200, "float32", "tflite").contents["model.tflite"]
    assert unknown_operators(content, NEWEST_VERSIONS) == []
    model, _ = opened(content)
    gather = next(code for code in model.operatorCodes if code.builtinCode == Kind.GATHER)
    gather.builtinCode = gather.deprecatedBuiltinCode = Kind.CUSTOM
    gather.customCode = b"edgetpu-custom-op"
    for table in (NEWEST_VERSIONS, TENSORFLOW_LITE_VERSIONS):
        assert unknown_operators(packed(model), table) == ["the custom operator edgetpu-custom-op"]
    assert [engine.name for engine in tflite_engines(packed(model))] == ["litert"]
    gather.builtinCode, gather.deprecatedBuiltinCode = Kind.STABLEHLO_COMPOSITE, 127
    assert unknown_operators(packed(model), NEWEST_VERSIONS) == ["STABLEHLO_COMPOSITE"]


def test_all_listed_operators_are_in_the_schema() -> None:
    assert set(NEWEST_VERSIONS) < set(vars(Kind))
    assert len(NEWEST_VERSIONS) == 157
    assert set(TENSORFLOW_LITE_VERSIONS) < set(vars(Kind))
    assert len(TENSORFLOW_LITE_VERSIONS) == 159
    assert all(TENSORFLOW_LITE_VERSIONS[name] >= version for name, version in NEWEST_VERSIONS.items())
