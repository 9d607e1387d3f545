"""`hanji compress` of Keras files and SavedModels with several labels or values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from PIL import Image

from hanji.compression.classifiers.files import keras_file
from hanji.runtime import Classifier
from hanji.runtime.cli import main

Capture = pytest.CaptureFixture[str]
FORMS = ["model.keras", "saved_model", "keras3.keras"]


def network(library: Any, activation: str | None) -> Any:
    """12 × 12 RGB images of values 0 to 1 → 4 outputs."""
    library.utils.set_random_seed(5)
    layers, image = library.layers, library.Input((12, 12, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    spread = library.initializers.RandomNormal(0, 4)
    return library.Model(image, layers.Dense(4, activation, kernel_initializer=spread)(features))


def saved(name: str, activation: str | None, directory: Path) -> tuple[Path, Any]:
    """The path of the saved model, and the model."""
    model = network(keras3 if name.startswith("keras3") else keras, activation)
    path = directory / name
    if name == "saved_model":
        tf.saved_model.save(model, str(path))
    else:
        model.save(path)
    return path, model


def arguments(path: Path, folder: Path, directory: Path, preprocessing: str) -> list[str]:
    (directory / "names.txt").write_text("a\nb\nc\nd\n")
    (directory / "p.toml").write_text(f"scale = 0.00392156862745098\n{preprocessing}")
    given = ["--labels", str(directory / "names.txt"), "--preprocessing", str(directory / "p.toml")]
    return ["compress", str(path), "--data", str(folder), *given, "--out", str(directory / "out")]


@pytest.mark.parametrize("name", FORMS)
def test_labels(name: str, folder: Path, tmp_path: Path, capsys: Capture) -> None:
    """The refusal of several sigmoids names this way."""
    path, model = saved(name, "sigmoid", tmp_path)
    plain = ["compress", str(path), "--data", str(folder), "--scale", "1/255", "--out", str(tmp_path / "out")]
    if name == "model.keras":
        assert main([*plain, "--recipe", "int8"]) == 1
        hint = 'set gives = "multi-label" in a --preprocessing file, for numbers gives = "values", and name'
        assert hint in capsys.readouterr().err
    command = arguments(path, folder, tmp_path, 'gives = "multi-label"\nthresholds = [0.5, 0.4, 0.6, 0.5]\n')
    assert main([*command, "--recipe", "int8"]) == 0
    assert main(["export", str(tmp_path / "out"), "--out", str(tmp_path / "bundle")]) == 0
    output = capsys.readouterr()
    assert "F1 score of the labels" in output.out
    assert "as a .tflite file, it gives its answers within" in output.err
    pixels = np.asarray(Image.open(next(folder.rglob("*.png"))))
    expected = np.asarray(model(pixels[None].astype(np.float32) / 255))[0]
    with Classifier.open(tmp_path / "bundle") as classifier:
        assert classifier.artifact.precision == "int8"
        assert classifier.probabilities(pixels) == pytest.approx(expected, abs=0.1)
        assert classifier.labels == ("a", "b", "c", "d")


def test_values(folder: Path, tmp_path: Path) -> None:
    path, model = saved("model.keras", None, tmp_path)
    command = arguments(path, folder, tmp_path, 'gives = "values"\nunits = ["mm"]\n')
    assert main([*command, "--recipe", "float16"]) == 0
    assert main(["export", str(tmp_path / "out"), "--out", str(tmp_path / "bundle")]) == 0
    pixels = np.asarray(Image.open(next(folder.rglob("*.png"))))
    expected = np.asarray(model(pixels[None].astype(np.float32) / 255))[0]
    with Classifier.open(tmp_path / "bundle") as estimator:
        found = [row.value for row in estimator.estimate(pixels)]
    assert found == pytest.approx(expected.tolist(), abs=0.01)


@pytest.mark.parametrize(
    ("table", "more", "message"),
    [
        ('gives = "scores"', [], "gives: expected multi-label, multi-label-logits, values for a Keras model"),
        ('gives = "values"', ["--formats", "onnx,tflite"], "--formats: expected only with an .onnx file"),
    ],
)
def test_options_of_other_files(
    table: str, more: list[str], message: str, folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "model.keras").write_bytes(b"not read")
    command = arguments(tmp_path / "model.keras", folder, tmp_path, f"{table}\n")
    assert main([*command, "--recipe", "int8", *more]) == 1
    assert message in capsys.readouterr().err


def test_a_recipe_that_trains(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    path, _ = saved("model.keras", "sigmoid", tmp_path)
    command = arguments(path, folder, tmp_path, 'gives = "multi-label"\n')
    assert main([*command, "--recipe", "int8-qat"]) == 1
    error = capsys.readouterr().err
    assert "networks are trained for one label per image only, or use the recipe int8" in error


def test_a_conversion_that_answers_differently(
    folder: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = saved("model.keras", "sigmoid", tmp_path)
    original = keras_file.float_tflite

    def other(concrete: Any, variables: Any, where: str) -> bytes:
        model = network(keras, None)
        call = tf.function(lambda image: model(image))
        image = tf.TensorSpec([1, 12, 12, 3], tf.float32)
        return original(call.get_concrete_function(image), model.variables, where)

    monkeypatch.setattr(keras_file, "float_tflite", other)
    command = arguments(path, folder, tmp_path, 'gives = "multi-label-logits"\n')
    assert main([*command, "--recipe", "int8"]) == 1
    assert "expected the answers of the model from the file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
