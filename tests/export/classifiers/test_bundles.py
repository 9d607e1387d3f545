"""Bundles of classifiers: every format under every scheme, their content, and opening them in the runtime."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from hanji.export.classifiers.parity import ImageParity
from hanji.export.classifiers.tolerances import IMAGE_TOLERANCES
from hanji.export.classifiers.writer import export_classifier
from hanji.runtime import Classifier
from hanji.runtime.images.preparation import prepare
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import ConversionError, HanjiError, RecipeError

SCHEMES = ("float32", "float16", "dynamic", "int8", "int8-qat", "int16x8", "sparse", "int8-qat-float")
PRECISIONS = {
    "float32": ["float32", "float32", "float32"],
    "float16": ["float16", "float16", "float16"],
    "dynamic": ["dynamic", "int8-weights", "int8-weights"],
    "int8": ["int8", "int8", "int8-weights"],
    "int8-qat": ["int8", "int8", "int8-simulated"],
    "int8-qat-float": ["int8", "int8", "int8-simulated"],
    "int16x8": ["int16x8", "int8-weights", "int8-weights"],
    "sparse": ["float32-sparse", "float32", "float32"],
}


def table(directory: Path, name: str) -> Any:
    return json.loads((directory / name).read_text(encoding="utf-8"))


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_format_and_scheme_is_within_its_tolerance(bundle: Any, tfjs: Any, scheme: str) -> None:
    artifacts = bundle(scheme).artifacts
    assert [artifact.format for artifact in artifacts] == ["tflite", "onnx", "tfjs"]
    assert [artifact.precision for artifact in artifacts] == PRECISIONS[scheme]
    for artifact in artifacts:
        assert isinstance(artifact.parity, ImageParity)
        assert artifact.parity.typical_error <= artifact.parity.typical_tolerance
        assert artifact.parity.top1_agreement >= artifact.parity.minimum_top1_agreement
    assert len(bundle(scheme).lines()) == 4
    assert "top-1 agreement" in bundle(scheme).lines()[0]


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_runtime_opens_it_and_passes_the_self_test(bundle: Any, scheme: str, engine: Any) -> None:
    with Classifier.open(bundle(scheme).path, engine=engine) as opened:
        result = opened.self_test()
        assert result.passed, result.detail
        assert result.cases == 8
        assert opened.labels == tuple("0123456789")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_files_follow_the_schema(bundle: Any, scheme: str) -> None:
    schema = json.loads((resources.files("hanji.runtime") / "manifest.schema.json").read_text())
    Draft202012Validator(schema).validate(table(bundle(scheme).path, "manifest.json"))
    for name, part in (("golden.json", "picture_golden"), ("labels.json", "classes")):
        reference = {"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}
        Draft202012Validator(reference).validate(table(bundle(scheme).path, name))


def test_the_runtime_reproduces_the_keras_model(bundle: Any, classifier: Any, digits: Any) -> None:
    compressed = classifier("float32")
    logits = ClassifierScorer(compressed.model, compressed.full.image_input).logits(digits.test.images[:20])
    expected = probabilities_of(logits, compressed.temperature)
    with Classifier.open(bundle("float32").path) as opened:
        for image, probabilities in zip(digits.test.images, expected, strict=False):
            np.testing.assert_allclose(opened.probabilities(image), probabilities, atol=1e-5)
        assert opened.classify(digits.test.images[0])[0].label == str(expected[0].argmax())


def test_the_manifest_records_the_provenance(bundle: Any, classifier: Any) -> None:
    manifest, compressed = table(bundle("int8-qat").path, "manifest.json"), classifier("int8-qat")
    assert manifest["task"] == "image-classification"
    assert (manifest["name"], manifest["model"]["type"]) == ("digits", "mobilenet-v1")
    assert manifest["recipe"]["sha256"] == compressed.recipe.sha256
    assert manifest["picture"] == json.loads(json.dumps(dataclasses.asdict(compressed.full.image_input)))
    assert manifest["probabilities"] == {"source": "graph", "temperature": 1.0}
    assert manifest["training_data"]["config"] == compressed.full.data.config
    assert manifest["metrics"]["compressed"] == compressed.metrics
    # Quantization ranges do not count as parameters; batch normalization does.
    assert manifest["model"]["parameters"] == manifest["model"]["full_parameters"]
    tensors = [artifact["signatures"]["classify"]["inputs"][0] for artifact in manifest["artifacts"]]
    assert [tensor["dtype"] for tensor in tensors] == ["uint8", "uint8", "int32"]
    assert all(tensor["shape"] == [1, 8, 8, 1] for tensor in tensors)


def test_the_manifest_lists_every_file_with_its_hash(bundle: Any) -> None:
    directory = bundle("int8").path
    manifest, files = table(directory, "manifest.json"), contents(directory)
    listed = [*manifest["files"], *(file for artifact in manifest["artifacts"] for file in artifact["files"])]
    assert {file["path"] for file in listed} | {"manifest.json", "manifest.sha256"} == set(files)
    for file in listed:
        assert file["sha256"] == hashlib.sha256(files[file["path"]]).hexdigest()


def test_golden_contains_preprocessing_cases_and_model_outputs(bundle: Any, classifier: Any) -> None:
    golden = table(bundle("int8").path, "golden.json")
    image_input = classifier("int8").full.image_input
    assert golden["task"] == "image-classification"
    channels = []
    for entry in golden["preparation"]:
        source = entry["source"]
        shape = (source["height"], source["width"], source["channels"])
        pixels = np.frombuffer(base64.b64decode(source["pixels"]), np.uint8).reshape(shape)
        assert prepare(pixels, image_input).tobytes() == base64.b64decode(entry["prepared"])
        channels.append(shape[2])
    assert channels == [3, 1, 4]
    for artifact in golden["artifacts"].values():
        assert len(artifact["cases"]) == 8
        for case in artifact["cases"]:
            assert int(np.argmax(case["probabilities"])) == case["label"]
    assert golden["artifacts"]["tflite"]["tolerance"] > golden["artifacts"]["tfjs"]["tolerance"]


def test_translated_class_names_are_exported(classifier: Any, out: Path) -> None:
    compressed = classifier("float32")
    names = {"ko": ("영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구")}
    named = dataclasses.replace(compressed, full=dataclasses.replace(compressed.full, names=names))
    export_classifier(named, out, formats=["tflite"])
    with Classifier.open(out) as opened:
        assert opened.names == names


def test_the_model_card_has_all_sections(bundle: Any) -> None:
    card = (bundle("int8").path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for text in (
        "# digits: mobilenet-v1 classifier",
        "- int8: a note.",
        "## Parity",
        "## Limitations",
        "| top1 |",
    ):
        assert text in card


def test_without_test_images_parity_is_checked_on_calibration_images(classifier: Any, out: Path) -> None:
    export_classifier(classifier("float32"), out, formats=["onnx"])
    with Classifier.open(out) as opened:
        assert opened.self_test().passed


def test_another_process_writes_the_same_bytes(
    bundle: Any, classifier: Any, digits: Any, tmp_path: Path
) -> None:
    """The other process has another hash seed, and loads the compressed classifier from disk."""
    from hanji.compression.classifiers.compressed import save_compressed_classifier

    save_compressed_classifier(classifier("int8"), tmp_path / "compressed")
    script = (
        "import sys; from pathlib import Path\n"
        "from hanji.compression.classifiers.compressed import load_compressed_classifier\n"
        "from hanji.export.classifiers.writer import export_classifier\n"
        "from hanji.training.classifiers.data import ImageDataConfig, load_images\n"
        "test = load_images(ImageDataConfig(), None, seed=0).test\n"
        "export_classifier(load_compressed_classifier(Path(sys.argv[1])), Path(sys.argv[2]), test=test)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "compressed"), str(tmp_path / "bundle")],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        check=True,
    )
    here, there = contents(bundle("int8").path), contents(tmp_path / "bundle")
    assert set(here) == set(there)
    assert [path for path in here if here[path] != there[path]] == []


def test_without_node_tfjs_is_marked_as_unchecked(
    classifier: Any, out: Path, empty_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = export_classifier(classifier("float32"), out, formats=["tflite", "tfjs"])
    parity = table(out, "manifest.json")["artifacts"][1]["parity"]
    assert parity["checked"] is False
    assert "hanji setup-tfjs" in parity["reason"]
    assert list(table(out, "golden.json")["artifacts"]) == ["tflite"]
    assert "NOT CHECKED in its engine" in summary.lines()[1]
    assert "tfjs is NOT checked in its engine" in caplog.text


def test_an_unknown_format_is_rejected(classifier: Any, out: Path) -> None:
    with pytest.raises(RecipeError, match="formats: expected some of tflite, onnx, tfjs, found coreml"):
        export_classifier(classifier("float32"), out, formats=["coreml"])  # type: ignore[list-item]
    assert not out.exists()


def test_an_existing_directory_is_not_overwritten(classifier: Any, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(HanjiError, match="is not empty"):
        export_classifier(classifier("float32"), out, formats=["tflite"])
    assert contents(out) == {"mine.txt": b"mine"}


@pytest.mark.parametrize("target", ["tflite", "onnx", "tfjs"])
def test_an_artifact_that_deviates_from_the_model_is_rejected(
    classifier: Any, out: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, target: Any
) -> None:
    if target == "tfjs":
        request.getfixturevalue("tfjs")
    compressed = classifier("float32")
    image_input = compressed.full.image_input
    brighter = dataclasses.replace(image_input, mean=(image_input.mean[0] + 20.0,))
    full = dataclasses.replace(compressed.full, image_input=brighter)
    other = dataclasses.replace(compressed, full=full)
    from hanji.export.classifiers import writer
    from hanji.export.classifiers.artifacts import ClassifierFiles

    monkeypatch.setattr(writer, "ClassifierFiles", lambda _, edge_tpu: ClassifierFiles(other))
    with pytest.raises(
        ConversionError, match=rf"{target} \(float32\): expected the probabilities of the comp"
    ):
        export_classifier(compressed, out, formats=[target])
    assert not out.exists()


def test_a_model_with_nan_outputs_is_rejected(trained_classifier: Any, classifier: Any, out: Path) -> None:
    from hanji.compression.classifiers.compress import uncompressed_classifier

    broken = uncompressed_classifier(trained_classifier, classifier("float32").calibration)
    head = broken.model.get_layer("head")
    head.set_weights([np.full_like(head.get_weights()[0], np.nan), head.get_weights()[1]])
    with pytest.raises(ConversionError, match="expected finite logits"):
        export_classifier(broken, out, formats=["tflite"])


def test_exporting_without_any_image_is_an_error(classifier: Any, out: Path) -> None:
    none = dataclasses.replace(classifier("int8"), calibration=np.empty((0, 8, 8, 1), np.uint8))
    with pytest.raises(ConversionError, match="found none; compress the model with calibration_images"):
        export_classifier(none, out, formats=["tflite"])


def test_every_tolerance_states_its_reason() -> None:
    for schemes in IMAGE_TOLERANCES.values():
        assert set(schemes) == {"float32", "float16", "dynamic", "int8", "int8-qat", "int16x8"}
        for tolerance in schemes.values():
            assert tolerance.why
            assert 0 < tolerance.typical < tolerance.largest < 1
            assert 0.9 <= tolerance.agreement <= 1
