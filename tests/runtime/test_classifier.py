"""Predictions of an open classifier with both engines, for hanji bundles and wrapped models."""

from __future__ import annotations

import dataclasses
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import (
    BundleError,
    Classification,
    Classifier,
    EngineError,
    HanjiError,
    ImageError,
    Prediction,
    Recommender,
)
from hanji.runtime.images.preparation import prepare

ENGINES = ["litert", "onnxruntime"]
LABELS = ("cat", "dog", "owl", "cat")


@pytest.fixture
def classifier(onnx_image_bundle: Path) -> Classifier:
    return Classifier.open(onnx_image_bundle)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_most_probable_classes(image_bundle: Path, image_weights: Any, engine: str) -> None:
    with Classifier.open(image_bundle, engine=engine, threads=2) as classifier:
        assert (classifier.engine.name, classifier.engine.threads) == (engine, 2)
        for seed in range(20):
            levels = noise(6, 5, 3, seed=seed)
            expected = image_weights.probabilities(levels)
            order = np.argsort(-expected, kind="stable")
            result = classifier.classify(levels, k=3)
            assert [row.index for row in result] == order[:3].tolist()
            assert [row.rank for row in result] == [1, 2, 3]
            assert [row.label for row in result] == [LABELS[index] for index in order[:3]]
            assert [row.name for row in result] == [row.label for row in result]
            assert np.allclose([row.probability for row in result], expected[order[:3]], atol=1e-5)
            assert np.allclose(classifier.probabilities(levels), expected, atol=1e-5)


def test_a_classification_is_a_sequence(classifier: Classifier) -> None:
    result = classifier.classify(noise(9, 9, 3))
    assert isinstance(result, Classification)
    assert len(result) == 4, "all classes, if there are fewer than k"
    assert result[0] == result.best == next(iter(result))
    assert isinstance(result[-1], Prediction)
    assert result[1:] == result.predictions[1:]
    assert result[0] in result
    assert sum(row.probability for row in result) == pytest.approx(1)
    assert result == classifier.classify(noise(9, 9, 3))


def test_probabilities_belong_to_the_caller(classifier: Classifier) -> None:
    levels = noise(6, 5, 3)
    found = classifier.probabilities(levels)
    assert (found.dtype, found.shape) == (np.float32, (4,))
    kept = found.copy()
    found[:] = 0
    assert np.array_equal(classifier.probabilities(levels), kept)


def test_images_of_any_size_and_kind(classifier: Classifier) -> None:
    for pixels in (noise(100, 30), noise(7, 7, 1), noise(50, 80, 4), noise(9, 9, 3).astype(np.uint16) * 257):
        expected = classifier.probabilities(prepare(pixels, classifier.image_input)[0])
        assert np.array_equal(classifier.probabilities(pixels), expected)


def test_image_files(classifier: Classifier, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pixels = noise(20, 30, 3)
    image = pillow.fromarray(pixels)
    image.save(tmp_path / "a.png")
    expected = classifier.probabilities(pixels)
    content = (tmp_path / "a.png").read_bytes()
    for image_input in (tmp_path / "a.png", str(tmp_path / "a.png"), content, io.BytesIO(content), image):
        assert np.array_equal(classifier.probabilities(image_input), expected)


def test_names_in_another_language(classifier: Classifier) -> None:
    assert classifier.labels == LABELS
    assert classifier.names == {"ko": ("고양이", "개", "올빼미", "고양이")}
    rows = classifier.classify(noise(6, 5, 3), language="ko")
    assert all(row.name == classifier.names["ko"][row.index] for row in rows)
    assert all(row.label == LABELS[row.index] for row in rows)
    with pytest.raises(HanjiError, match=r"language: expected a language of the bundle \(ko\), found 'de'"):
        classifier.classify(noise(6, 5, 3), language="de")


def test_no_names(make_image_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_image_parts("onnx")
    parts.files["labels.json"] = json.dumps({"labels": LABELS}).encode()
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        assert classifier.names == {}
        with pytest.raises(HanjiError, match=r"\(none\), found 'ko'"):
            classifier.classify(noise(6, 5, 3), language="ko")


def test_a_batch(classifier: Classifier) -> None:
    samples = [noise(6, 5, 3, seed=seed) for seed in range(5)]
    expected = [classifier.classify(image_input, 2, language="ko") for image_input in samples]
    assert classifier.classify_batch(samples, 2, language="ko") == expected
    assert classifier.classify_batch(np.stack(samples), 2, language="ko") == expected
    assert classifier.classify_batch(iter(samples), 2, language="ko") == expected
    assert classifier.classify_batch([]) == []
    with pytest.raises(ImageError, match=r"image 1: expected pixel values from 0 to 255 .*found float64"):
        classifier.classify_batch([samples[0], samples[1] / 255])
    with pytest.raises(ImageError, match=r"^image 1: expected an image"):
        classifier.classify_batch([samples[0], b"nonsense"])
    for single in ("photo.jpg", b"content", Path("photo.jpg")):
        with pytest.raises(ImageError, match=r"expected several images, found one: .*into a list"):
            classifier.classify_batch(single)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, -1])
def test_k_must_be_positive(classifier: Classifier, k: int) -> None:
    with pytest.raises(HanjiError, match=f"k={k}: expected 1 or more"):
        classifier.classify(noise(6, 5, 3), k)
    with pytest.raises(HanjiError, match="expected 1 or more"):
        classifier.classify_batch([], k)


@pytest.mark.parametrize(
    ("image_input", "message"),
    [
        (np.full((6, 5, 3), np.nan), "the array: expected pixel values .*found float64"),
        (np.zeros((6, 5, 2), np.uint8), r"the array: expected the shape .*found \[6, 5, 2\]"),
        (np.zeros((1, 6, 5, 3), np.uint8), "the array: expected the shape"),
        ("no/such.png", r"no/such\.png: cannot be read"),
        (b"nonsense", "an image of 8 bytes: expected an image"),
        ([[1, 2]], "the list: expected a path"),
        (None, "the NoneType: expected a path"),
    ],
)
def test_invalid_images(classifier: Classifier, image_input: Any, message: str) -> None:
    for call in (classifier.classify, classifier.probabilities, classifier.engine_call):
        with pytest.raises(ImageError, match=message):
            call(image_input)


def test_a_closed_classifier(onnx_image_bundle: Path) -> None:
    with Classifier.open(onnx_image_bundle) as classifier:
        pass
    with pytest.raises(HanjiError, match="this Classifier is closed; open the bundle again"):
        classifier.classify(noise(6, 5, 3))


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_can_share_a_classifier(image_bundle: Path, engine: str) -> None:
    with Classifier.open(image_bundle, engine=engine) as classifier:
        samples = [noise(6, 5, 3, seed=seed) for seed in range(8)]
        expected = [classifier.probabilities(image_input) for image_input in samples]
        wrong = []

        def work(number: int) -> None:
            for _ in range(50):
                if not np.array_equal(classifier.probabilities(samples[number]), expected[number]):
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_call(image_bundle: Path, engine: str) -> None:
    with Classifier.open(image_bundle, engine=engine) as classifier:
        call = classifier.engine_call(noise(50, 50, 3))
        call()
        call()


def test_the_error_of_the_wrong_class_names_the_right_one(bundle: Path, image_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"a bundle for recommendation, which a Classifier cannot open; "
                                          r"try: hanji\.runtime\.Recommender\.open"):  # fmt: skip
        Classifier.open(bundle)
    with pytest.raises(BundleError, match=r"a bundle for image-classification, which a Recommender cannot "
                                          r"open; try: hanji\.runtime\.Classifier\.open"):  # fmt: skip
        Recommender.open(image_bundle)


def test_no_threads(image_bundle: Path) -> None:
    with pytest.raises(HanjiError, match="threads: expected 1 or more, found 0"):
        Classifier.open(image_bundle, threads=0)


def test_properties_of_a_classifier(classifier: Classifier) -> None:
    assert classifier.manifest.takes == "picture"
    assert classifier.artifact.format == "onnx"
    assert classifier.artifact.parity.top1_agreement == 1
    assert classifier.image_input.shape == (6, 5, 3)
    assert classifier.manifest.training_data.pictures == 500


def test_outputs_that_are_not_finite(
    make_image_parts: Callable[..., Any], image_weights: Any, tmp_path: Path
) -> None:
    bias = image_weights.bias.copy()
    bias[1] = np.nan
    parts = make_image_parts("onnx", model=dataclasses.replace(image_weights, bias=bias))
    with (
        Classifier.open(parts.write(tmp_path / "bundle")) as classifier,
        pytest.raises(EngineError, match=r"an output is not a finite number; .*hanji verify"),
    ):
        classifier.classify(noise(6, 5, 3))


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_an_engine_rejects_an_invalid_model(
    make_image_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    parts = make_image_parts(form)
    parts.files[f"model.{form}"] = b"not a model, but with a correct checksum"
    with pytest.raises(EngineError, match=rf"{engine} .* rejected model\.{form}"):
        Classifier.open(parts.write(tmp_path / "bundle"))


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_a_model_that_contradicts_the_manifest(
    make_image_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    parts = make_image_parts(form)
    signature = parts.manifest["artifacts"][0]["signatures"]["classify"]
    signature["inputs"][0]["shape"] = [1, 7, 5, 3]
    parts.manifest["picture"]["height"] = 7
    expected = r"input 'image': uint8 \[1, 7, 5, 3\] as in the manifest, found uint8 \[1, 6, 5, 3\]"
    with pytest.raises(EngineError, match=rf"model\.{form} \('classify'\), {engine} .*: expected {expected}"):
        Classifier.open(parts.write(tmp_path / "bundle"))


def as_wrapped(parts: Any, *, dtype: str, scales: tuple[float, float], zero: int, source: str) -> None:
    """Change the manifest to that of a wrapped model, which was not created by hanji."""
    signature = parts.manifest["artifacts"][0]["signatures"]["classify"]
    quantized = [{"scale": scale, "zero_point": zero} for scale in scales] if dtype != "float32" else [{}, {}]
    signature["inputs"][0].update(dtype=dtype, **quantized[0])
    signature["outputs"][0].update(dtype=dtype, name="logits", **quantized[1])
    parts.manifest["picture"]["normalized_by"] = "runtime"
    parts.manifest["probabilities"] = {"source": source, "temperature": 2.0}


@pytest.mark.parametrize(
    ("dtype", "scales", "zero", "tolerance"),
    [("float32", (1, 1), 0, 1e-5), ("int8", (0.025, 0.06), -7, 0.06), ("uint8", (0.025, 0.06), 120, 0.06)],
)
def test_wrapped_models(
    make_image_parts: Callable[..., Any],
    bare_onnx: Callable[..., bytes],
    image_weights: Any,
    tmp_path: Path,
    dtype: str,
    scales: tuple[float, float],
    zero: int,
    tolerance: float,
) -> None:
    """The runtime normalizes, quantizes, dequantizes the logits and computes probabilities."""
    parts = make_image_parts("onnx")
    parts.files["model.onnx"] = bare_onnx(image_weights, dtype, scales, zero)
    as_wrapped(parts, dtype=dtype, scales=scales, zero=zero, source="softmax")
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        for seed in range(10):
            levels = noise(6, 5, 3, seed=seed)
            found = classifier.probabilities(levels)
            assert found.dtype == np.float32
            assert np.allclose(found, image_weights.probabilities(levels, 2.0), atol=tolerance)
    parts.manifest["probabilities"]["source"] = "none"
    with Classifier.open(parts.write(tmp_path / "raw")) as classifier:
        shares = np.exp(classifier.probabilities(levels).astype(np.float64) / 2)
        assert np.allclose(shares / shares.sum(), found, atol=1e-6), "the raw logits"


def test_a_tflite_file_without_signatures(
    make_image_parts: Callable[..., Any], bare_tflite: bytes, image_weights: Any, tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=bare_tflite)
    assert interpreter.get_signature_list() == {}
    (image,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()
    parts = make_image_parts("tflite")
    parts.files["model.tflite"] = bare_tflite
    as_wrapped(parts, dtype="float32", scales=(1, 1), zero=0, source="softmax")
    signature = parts.manifest["artifacts"][0]["signatures"]["classify"]
    with pytest.raises(
        EngineError, match=f"no such signature, .* image, logits: found inputs {image['name']}"
    ):
        Classifier.open(parts.write(tmp_path / "wrong"))
    signature["inputs"][0]["name"], signature["outputs"][0]["name"] = image["name"], logits["name"]
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        for seed in range(5):
            levels = noise(6, 5, 3, seed=seed)
            expected = image_weights.probabilities(levels, 2.0)
            assert np.allclose(classifier.probabilities(levels), expected, atol=1e-5)
        classifier.engine_call(levels)()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_self_test(image_bundle: Path, engine: str) -> None:
    with Classifier.open(image_bundle, engine=engine) as classifier:
        result = classifier.self_test()
    assert result.passed
    assert result.cases == 3
    assert result.max_abs_error < result.tolerance == 1e-5
    assert result.detail.startswith("3 preprocessing cases, 3 images, largest difference")


def test_the_self_test_detects_another_model(
    make_image_parts: Callable[..., Any], image_weights: Any, tmp_path: Path
) -> None:
    bias = image_weights.bias.copy()
    bias[3] += 1
    parts = make_image_parts("onnx", model=dataclasses.replace(image_weights, bias=bias))
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        result = classifier.self_test()
    assert not result.passed
    assert "failed, first: image 0: a probability differs by" in result.detail


def test_the_self_test_detects_another_preparation(
    make_image_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_image_parts("onnx")
    parts.manifest["picture"]["fit"] = "stretch"
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        result = classifier.self_test()
    assert not result.passed
    assert "first: image 0 (4 × 3) is preprocessed differently than at export" in result.detail


def test_the_self_test_of_an_artifact_not_run_at_export(
    make_image_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_image_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    del golden["artifacts"]["onnx"]
    parts.files["golden.json"] = json.dumps(golden).encode()
    with Classifier.open(parts.write(tmp_path / "bundle")) as classifier:
        result = classifier.self_test()
    assert (result.passed, result.cases) == (False, 0)
    assert "golden.json has no cases for onnx" in result.detail
