"""`hanji compress model.onnx --formats onnx,tflite`: both formats quantized, and in one bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hanji.compression.classifiers.files.compressed_file import load_compressed_file
from hanji.runtime import Classifier
from hanji.runtime.cli import main

from ....converter import gives_file, real_converter, stub_converter  # noqa: F401 - a fixture
from .networks import onnx_file, tflite_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_file(1.0))
    return path


def compressed(path: Path, folder: Path, formats: str = "onnx,tflite") -> int:
    recipe = path.with_name("recipe.toml")
    recipe.write_text(
        'name = "int8"\ntask = "image-classification"\n[[compression]]\ntype = "quantize"\n'
        'scheme = "int8"\ncalibration_images = 40\n'
    )
    given = ["--recipe", str(recipe), "--data", str(folder), "--scale", "1/255", "--formats", formats]
    return main(["compress", str(path), *given, "--out", str(path.with_name("out"))])


def test_both_formats_are_quantized(
    path: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made.tflite").write_bytes(tflite_file(1.0))
    stub_converter(tmp_path / "environment", monkeypatch, gives_file(tmp_path / "made.tflite"))
    assert compressed(path, folder) == 0
    loaded = load_compressed_file(tmp_path / "out")
    assert loaded.format == "onnx"
    (converted,) = loaded.converted
    assert (converted.format, converted.agreement >= 0.95) == ("tflite", True)
    bundle = tmp_path / "bundle"
    assert main(["export", str(tmp_path / "out"), "--out", str(bundle)]) == 0
    manifest = json.loads((bundle / "manifest.json").read_text())
    found = [(each["format"], each["precision"]) for each in manifest["artifacts"]]
    assert found == [("onnx", "int8"), ("tflite", "int8")]
    assert all(each["parity"]["top1_agreement"] >= 0.95 for each in manifest["artifacts"])
    assert manifest["versions"]["onnx2tf"] == "2.6.9"
    card = (bundle / "MODEL_CARD.md").read_text()
    assert card.count("quantized to int8 after training") == 2
    assert card.count("converted from ONNX by onnx2tf") == 1
    for engine in ("litert", "onnxruntime"):
        with Classifier.open(bundle, engine=engine) as classifier:
            assert classifier.self_test().passed


def test_a_conversion_that_answers_differently_is_left_out(
    path: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "made.tflite").write_bytes(tflite_file(1.0, other_classes=True))
    stub_converter(tmp_path / "environment", monkeypatch, gives_file(tmp_path / "made.tflite"))
    assert compressed(path, folder) == 0
    assert "tflite LEFT OUT: " in capsys.readouterr().out
    assert load_compressed_file(tmp_path / "out").converted == ()
    assert main(["export", str(tmp_path / "out"), "--out", str(tmp_path / "bundle")]) == 0
    assert "converts this network wrongly" in capsys.readouterr().out
    assert "TFLite is left out" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()


def test_without_the_converter_nothing_is_written(
    path: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    assert compressed(path, folder) == 1
    assert "run `hanji setup-onnx2tf` once" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_formats_that_cannot_be_quantized(
    path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compressed(path, folder, "tflite") == 1
    assert "expected onnx, that of the file, or onnx,tflite, found tflite" in capsys.readouterr().err


@pytest.mark.usefixtures("real_converter")
def test_the_converter_itself(path: Path, folder: Path, tmp_path: Path) -> None:
    assert compressed(path, folder) == 0
    (converted,) = load_compressed_file(tmp_path / "out").converted
    assert converted.agreement >= 0.95
