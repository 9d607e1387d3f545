"""Valid and invalid content of a classifier's manifest, labels.json and golden.json."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime.classification import parse_labels
from hanji.runtime.classifier_golden import parse_golden
from hanji.runtime.errors import BundleError
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.manifest import ClassifierManifest, ImageInput
from hanji.runtime.manifest.reader import parse_manifest

SCHEMA = json.loads((files("hanji.runtime") / "manifest.schema.json").read_text(encoding="utf-8"))
IMAGE = ImageInput(1, 2, 3, "crop", (0.0,) * 3, (1.0,) * 3, "graph")


@pytest.fixture
def manifest(make_image_parts: Callable[..., Any], tmp_path: Path) -> dict[str, Any]:
    bundle = make_image_parts("onnx").write(tmp_path)
    return json.loads((bundle / "manifest.json").read_bytes())  # type: ignore[no-any-return]


def schema_accepts(value: object, definition: str) -> bool:
    jsonschema = pytest.importorskip("jsonschema")
    schema = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_the_manifest(manifest: dict[str, Any]) -> None:
    parsed = parse_manifest(json.dumps(manifest).encode())
    assert isinstance(parsed, ClassifierManifest)
    assert parsed.takes == "picture"
    assert parsed.picture.mean == (120, 110, 100.5)
    assert parsed.picture.background == (255, 255, 255)
    assert parsed.labels.count == 4
    assert parsed.artifacts[0].main_signature == "classify"
    assert parsed.artifacts[0].parity.minimum_top1_agreement == 0.99
    assert parsed.artifacts[0].parity.top10_overlap is None


def test_a_wrapped_model_needs_no_training_data_or_parity(manifest: dict[str, Any]) -> None:
    manifest["training_data"]["pictures"] = 0
    manifest["artifacts"][0]["parity"] = {
        "checked": False,
        "reason": "a wrapped model has no reference",
    }
    assert schema_accepts(manifest, "manifest")
    parse_manifest(json.dumps(manifest).encode())


def change(manifest: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    parent: Any = manifest
    for key in parents:
        parent = parent[key]
    parent[last] = value


CLASSIFY = "artifacts.0.signatures.classify"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("picture.channels", 2, r"picture\.channels: expected 1 \(grayscale\) or 3 .*found 2"),
        ("picture.std", [1, 0, 1], r"picture\.std: expected numbers above 0"),
        ("picture.mean", [1.0], r"picture\.mean: expected 3 finite number\(s\), one per channel"),
        ("picture.background", [0, 0, 256], r"picture\.background: expected three integers from 0 to 255"),
        ("picture.fit", "guess", "picture.fit: expected one of crop, stretch, pad"),
        ("picture.height", 5000, "picture.height: expected an integer from 1 to 4096"),
        ("probabilities.temperature", 0, "probabilities.temperature: expected a number above 0"),
        (
            f"{CLASSIFY}.inputs.0.shape",
            [1, 5, 6, 3],
            r"\[0\]\.shape: expected \[1, 6, 5, 3\] as specified by 'picture'",
        ),
        (f"{CLASSIFY}.inputs.0.dtype", "int8", r"inputs\[0\]\.dtype: expected one of uint8, int32, float32"),
        (
            f"{CLASSIFY}.outputs.0.shape",
            [1, 5],
            r"expected \[1, 4\] \(labels\.count\), found \[1, 5\]",
        ),
        (f"{CLASSIFY}.outputs.0.shape", [4], r"found \[4\]"),
        (f"{CLASSIFY}.outputs.0.shape", [None, 9], r"found \[null, 9\]"),
        (f"{CLASSIFY}.outputs.0.dtype", "int64", "dtype: expected one of float32, uint8, int8, found int64"),
        (f"{CLASSIFY}.outputs.0.dtype", "int8", "expected a scale and a zero_point for dtype int8"),
        (f"{CLASSIFY}.path", "labels.json", "'labels.json' is not among the artifact's files"),
        ("artifacts.0.signatures", {}, "signatures: expected a signature 'classify'"),
        ("labels.path", "classes.json", "labels.path: 'classes.json' is not among the bundle's files"),
        ("golden", "classes.json", "golden: 'classes.json' is not among the bundle's files"),
        ("labels.count", 5, r"expected \[1, 5\] \(labels\.count\), found \[1, 4\]"),
        ("training_data.classes", 0, "training_data.classes: expected an integer from 1"),
        ("artifacts.0.parity.top1_agreement", 1.5, "top1_agreement: expected a finite number from 0 to 1"),
    ],
)
def test_errors_name_the_field(manifest: dict[str, Any], path: str, value: Any, message: str) -> None:
    change(manifest, path, value)
    with pytest.raises(BundleError, match=message):
        parse_manifest(json.dumps(manifest).encode())


def test_two_inputs(manifest: dict[str, Any]) -> None:
    manifest["artifacts"][0]["signatures"]["classify"]["inputs"] *= 2
    with pytest.raises(BundleError, match="inputs: expected one input, found 2"):
        parse_manifest(json.dumps(manifest).encode())


def test_a_dynamic_batch_size(manifest: dict[str, Any]) -> None:
    signature = manifest["artifacts"][0]["signatures"]["classify"]
    signature["inputs"][0]["shape"][0] = signature["outputs"][0]["shape"][0] = None
    parse_manifest(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    ("dtype", "quantized", "good"),
    [
        ("float32", False, True),
        ("int8", True, True),
        ("uint8", True, True),
        ("uint8", False, False),
        ("int32", False, False),
        ("int16", True, False),
    ],
)
def test_inputs_that_the_runtime_normalizes(
    manifest: dict[str, Any], dtype: str, quantized: bool, good: bool
) -> None:
    manifest["picture"]["normalized_by"] = "runtime"
    tensor = manifest["artifacts"][0]["signatures"]["classify"]["inputs"][0]
    tensor["dtype"] = dtype
    if quantized:
        tensor.update(scale=0.02, zero_point=3)
    if good:
        parse_manifest(json.dumps(manifest).encode())
    else:
        with pytest.raises(BundleError, match=r"inputs\[0\]"):
            parse_manifest(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    ("table", "good"),
    [
        ({"labels": ["a", "b"]}, True),
        ({"labels": ["a", "a"]}, True),  # ImageNet has two cranes
        ({"labels": ["a", "b"], "names": {}}, True),
        ({"labels": ["a", "b"], "names": {"ko": ["가", "나"], "de": ["x", "y"]}, "later": 1}, True),
        ({}, False),
        ({"labels": []}, False),
        ({"labels": "ab"}, False),
        ({"labels": ["a", 1]}, False),
        ({"labels": ["a", ""]}, False),
        ({"labels": ["a", "x" * 1001]}, False),
        ({"labels": ["a", "b"], "names": []}, False),
        ({"labels": ["a", "b"], "names": {"ko": ["가", None]}}, False),
    ],
)
def test_labels(table: dict[str, Any], good: bool) -> None:
    assert schema_accepts(table, "classes") == good
    content = json.dumps(table).encode()
    if good:
        labels = parse_labels(content, 2, "labels.json")
        assert list(labels.values) == table["labels"]
        assert set(labels.names) == set(table.get("names", {}))
    else:
        with pytest.raises(BundleError, match=r"labels\.json: (labels|names)"):
            parse_labels(content, 2, "labels.json")


def test_labels_have_one_name_per_class() -> None:
    with pytest.raises(
        BundleError, match=r"labels: expected 3 names \(the manifest's count\), found an array of length 2"
    ):
        parse_labels(b'{"labels": ["a", "b"]}', 3, "labels.json")
    with pytest.raises(BundleError, match=r"names\.ko: expected 2 names"):
        parse_labels(b'{"labels": ["a", "b"], "names": {"ko": ["x"]}}', 2, "labels.json")


def pixels(count: int) -> str:
    return base64.b64encode(bytes(range(count))).decode()


CASE = {"image": pixels(6), "label": 1, "probabilities": [0.25, 0.75]}
SOURCE = {"height": 2, "width": 2, "channels": 1, "pixels": pixels(4)}


def golden(case: Any = None, source: Any = None, prepared: Any = None) -> dict[str, Any]:
    preparation = {"source": source or SOURCE, "prepared": pixels(6) if prepared is None else prepared}
    artifact = {"tolerance": 0.1, "cases": [case or CASE]}
    return {
        "task": "image-classification",
        "preparation": [preparation],
        "artifacts": {"onnx": artifact},
    }


def test_golden() -> None:
    parsed = parse_golden(json.dumps(golden()).encode(), IMAGE, 2)
    assert schema_accepts(golden(), "picture_golden")
    case = parsed.artifacts["onnx"].cases[0]
    assert case.image.tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert (case.label, case.probabilities.tolist()) == (1, [0.25, 0.75])
    assert parsed.preparation[0].source.tolist() == [[[0], [1]], [[2], [3]]]


@pytest.mark.parametrize(
    ("table", "message", "schema_too"),
    [
        ({**golden(), "task": "recommendation"}, "task: expected one of image-classification", True),
        (golden({**CASE, "label": 2}), r"cases\[0\]\.label: expected an integer from 0 to 1", False),
        (golden({**CASE, "label": -1}), r"cases\[0\]\.label", True),
        (golden({**CASE, "probabilities": [1]}), "probabilities: expected 2 finite numbers", False),
        (golden({**CASE, "probabilities": [1, "0"]}), "probabilities: expected 2 finite numbers", True),
        (golden({**CASE, "image": pixels(5)}), r"image: expected base64 of 1 × 2 × 3 bytes", False),
        (golden({**CASE, "image": "äöü"}), r"image: expected base64", True),
        (golden({**CASE, "image": "AAAA AAAA"}), r"image: expected base64", True),
        (golden({**CASE, "image": 5}), "image: expected a string", True),
        (golden(source={**SOURCE, "channels": 2}), r"source\.channels: expected 1, 3 or 4", True),
        (golden(source={**SOURCE, "height": 0}), r"source\.height: expected an integer from 1", True),
        (golden(source={**SOURCE, "pixels": pixels(3)}), "pixels: expected base64 of 2 × 2 × 1 bytes", False),
        (golden(prepared=""), "prepared: expected base64 of 1 × 2 × 3 bytes", True),
        (
            {**golden(), "artifacts": {"onnx": {"tolerance": 0.1, "cases": []}}},
            "cases: expected an array",
            True,
        ),
    ],
)
def test_broken_golden(table: dict[str, Any], message: str, schema_too: bool) -> None:
    with pytest.raises(BundleError, match=rf"golden\.json: .*{message}"):
        parse_golden(json.dumps(table).encode(), IMAGE, 2)
    assert schema_accepts(table, "picture_golden") != schema_too


@pytest.fixture
def tensor(manifest: dict[str, Any]) -> Callable[..., Any]:
    """A tensor of any dtype, scale and zero point."""

    def make(dtype: str, scale: float | None = None, zero_point: int | None = None) -> Any:
        table = manifest["artifacts"][0]["signatures"]["classify"]["inputs"][0]
        table.update(dtype=dtype, scale=scale, zero_point=zero_point)
        manifest["picture"]["normalized_by"] = "graph" if scale is None else "runtime"
        return parse_manifest(json.dumps(manifest).encode()).artifacts[0].signatures["classify"].inputs[0]

    return make


def test_normalized_levels(tensor: Callable[..., Any]) -> None:
    """Computed by hand: (level - mean) / std, then round(x / scale) + zero_point."""
    levels = np.array([[[[0, 10, 255]]]], np.uint8)
    image_input = ImageInput(1, 1, 3, "crop", (0.0, 20.0, 5.0), (1.0, 10.0, 2.0), "runtime")
    found = ImageTensor(image_input, tensor("float32")).of(levels)
    assert (found.dtype, found.ravel().tolist()) == (np.float32, [0, -1, 125])
    found = ImageTensor(image_input, tensor("int8", 0.4, 3)).of(levels)
    assert (found.dtype, found.ravel().tolist()) == (np.int8, [3, 1, 127]), "-2.5 becomes -2"
    found = ImageTensor(image_input, tensor("uint8", 0.5, 1)).of(levels)
    assert found.ravel().tolist() == [1, 0, 251]
    by_graph = ImageInput(1, 1, 3, "crop", (0.0, 20.0, 5.0), (1.0, 10.0, 2.0), "graph")
    for dtype in ("uint8", "int32", "float32"):
        found = ImageTensor(by_graph, tensor(dtype)).of(levels)
        assert (found.dtype, found.ravel().tolist()) == (np.dtype(dtype), [0, 10, 255])


def test_probabilities_of_outputs(manifest: dict[str, Any], tensor: Callable[..., Any]) -> None:
    outputs = dequantized(np.array([-128, 127], np.int8), tensor("int8", 0.5, -128))
    assert outputs.tolist() == [0, 127.5]
    for source, expected in (
        ("none", [0, 127.5]),
        ("graph", [0, 127.5]),
        ("softmax", [1 / (1 + np.e), np.e / (1 + np.e)]),
    ):
        manifest["probabilities"] = {"source": source, "temperature": 127.5}
        rule = parse_manifest(json.dumps(manifest).encode()).probabilities  # type: ignore[union-attr]
        assert np.allclose(probabilities_of(outputs, rule), expected)
    huge = probabilities_of(np.array([1e30, 0], np.float32), rule)
    assert huge.tolist() == [1, 0]
