"""`hanji classify`, and info, verify and benchmark with a classifier."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import Classifier, cli

pytestmark = pytest.mark.usefixtures("commands")
Capture = pytest.CaptureFixture[str]
pillow = pytest.importorskip("PIL.Image")


def hanji(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.png", tmp_path / "둘.png"]
    for seed, path in enumerate(paths):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
        pillow.fromarray(pixels).save(path)
    return paths


def test_classify(capsys: Capture, onnx_image_bundle: Path, samples: list[Path]) -> None:
    assert hanji("classify", onnx_image_bundle, *samples, "-k", 2) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].startswith("test (onnxruntime ")
    assert lines[2] == str(samples[0])
    assert lines[3].split() == ["rank", "class", "probability"]
    assert lines[4].split()[0] == "1"
    assert lines[7] == str(samples[1])
    assert len(lines) == 11
    assert "synthetic" not in text


def test_classify_as_json(capsys: Capture, onnx_image_bundle: Path, samples: list[Path]) -> None:
    assert hanji("classify", onnx_image_bundle, samples[1], "--json", "--language", "ko") == 0
    result = json.loads(capsys.readouterr().out)
    with Classifier.open(onnx_image_bundle) as classifier:
        expected = classifier.classify(samples[1], language="ko")
    assert result["engine"]["name"] == "onnxruntime"
    assert result["synthetic"] is False
    (entry,) = result["pictures"]
    assert entry["picture"] == str(samples[1])
    assert entry["classes"] == [row._asdict() for row in expected]
    assert entry["classes"][0]["name"] in ("고양이", "개", "올빼미")


def test_a_broken_image_does_not_stop_the_others(
    capsys: Capture, onnx_image_bundle: Path, samples: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(samples[0].read_bytes()[:200])
    assert hanji("classify", onnx_image_bundle, broken, *samples) == 1
    output = capsys.readouterr()
    assert f"not classified: {broken}: the image is truncated or damaged" in output.out
    assert output.out.count("probability") == 2
    assert output.err.startswith(f"hanji: error: {broken}: ")
    assert output.err.endswith("(1 of 3 images failed)\n")
    assert output.err.count("\n") == 1
    assert hanji("classify", onnx_image_bundle, broken, *samples, "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert ["error" in entry for entry in result["pictures"]] == [True, False, False]


def test_errors_are_one_line(
    capsys: Capture, bundle: Path, onnx_image_bundle: Path, samples: list[Path], tmp_path: Path
) -> None:
    for arguments, message in (
        ((onnx_image_bundle, samples[0], "-k", 0), "k=0: expected 1 or more"),
        ((onnx_image_bundle, samples[0], "--language", "de"), "(ko), found 'de'"),
        ((onnx_image_bundle, tmp_path), "cannot be read: Is a directory"),
        ((onnx_image_bundle, tmp_path / "no.png"), "no.png: cannot be read: No such file"),
        ((onnx_image_bundle, onnx_image_bundle / "labels.json"), "labels.json: expected an image (JPEG"),
        ((bundle, samples[0]), "try: hanji.runtime.Recommender.open"),
        ((tmp_path / "nothing", samples[0]), "expected a bundle directory, found nothing"),
    ):
        assert hanji("classify", *arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("hanji: error: ")
        assert error.count("\n") == 1
        assert message in error
    assert hanji("recommend", onnx_image_bundle, "--user", 1) == 1
    assert "try: hanji.runtime.Classifier.open" in capsys.readouterr().err


def test_raw_outputs_are_not_labelled_probability(
    capsys: Capture, make_image_parts: Callable[..., Any], samples: list[Path], tmp_path: Path
) -> None:
    parts = make_image_parts("onnx")
    parts.manifest["probabilities"]["source"] = "none"
    parts.manifest["training_data"]["synthetic"] = True
    bundle = parts.write(tmp_path / "bundle")
    assert hanji("classify", bundle, samples[0]) == 0
    text = capsys.readouterr().out
    assert "probability" not in text
    assert "output" in text
    assert "Trained on synthetic data (shapes), not on real images." in text
    assert hanji("info", bundle) == 0
    assert "outputs    raw model outputs, 4 classes" in capsys.readouterr().out


def test_info(capsys: Capture, image_bundle: Path) -> None:
    assert hanji("info", image_bundle) == 0
    text = capsys.readouterr().out
    for part in (
        "task       image-classification",
        "takes      images of any size, centre-cropped to 5 × 6 RGB",
        "outputs    probabilities, 4 classes",
        "data       500 images of 4 classes",
        "licence    CC0",
        "top-1 agreement 100.0%, max abs error 1e-06",
        "top1",
    ):
        assert part in text
    assert "users" not in text
    assert hanji("info", image_bundle, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["takes"] == "picture"
    assert result["manifest"]["picture"]["fit"] == "crop"


def test_info_of_a_wrapped_model(
    capsys: Capture, make_image_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_image_parts("onnx")
    parts.manifest["training_data"]["pictures"] = 0
    parts.manifest["probabilities"] = {"source": "softmax", "temperature": 1.5}
    assert hanji("info", parts.write(tmp_path / "bundle")) == 0
    text = capsys.readouterr().out
    assert "data       not stated" in text
    assert "outputs    probabilities, softmax at temperature 1.5, 4 classes" in text


def test_verify(capsys: Capture, image_bundle: Path) -> None:
    assert hanji("verify", image_bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    skipped = [line for line in lines if line.startswith("skipped")]
    assert [line.split()[3] for line in skipped] == ["tflite-runtime"]
    lines = [line for line in lines if line not in skipped]
    assert len(lines) == 1 + 3 + 2 + 2
    assert all(line.startswith("ok") for line in lines)
    assert sum("3 preprocessing cases, 3 images, largest difference" in line for line in lines) == 2


def test_verify_detects_other_outputs(
    capsys: Capture, make_image_parts: Callable[..., Any], image_weights: Any, tmp_path: Path
) -> None:
    other = dataclasses.replace(image_weights, bias=image_weights.bias[::-1].copy())
    path = make_image_parts("onnx", model=other).write(tmp_path / "bundle")
    assert hanji("verify", path) == 1
    output = capsys.readouterr()
    assert "a probability differs by" in output.out
    assert "first: self-test on onnxruntime" in output.err
