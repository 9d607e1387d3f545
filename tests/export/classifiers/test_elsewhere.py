"""Classifiers that hanji did not train, exported like any other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from PIL import Image

from hanji.compression.classifiers.foreign.keras_file import compress_keras_file
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.export.classifiers.writer import CARD, export_classifier
from hanji.runtime import Classifier
from hanji.training.errors import ConversionError

COLOURS = {"blue": (30, 40, 220), "green": (20, 210, 30), "red": (220, 30, 20)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve images per colour."""
    root = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    for label, colour in COLOURS.items():
        (root / label).mkdir()
        for number in range(12):
            noisy = np.clip(np.array(colour) + rng.integers(-20, 20, (10, 12, 3)), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(root / label / f"{number}.png")
    return root


def colour_net() -> keras.Model:
    """A model from pixel values / 255 to probabilities of blue, green and red."""
    image = keras.Input((8, 8, 3))
    found = keras.layers.Conv2D(8, 3, activation="relu", kernel_initializer="ones")(image)
    means = keras.layers.Concatenate()(
        [keras.layers.GlobalAveragePooling2D()(layer) for layer in (image, found)]
    )
    kernel = np.zeros((11, 3), np.float32)
    kernel[:3] = np.eye(3)[::-1] * 6
    kernel[3:] = 0.01
    head = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(image, head(means))
    head.set_weights([kernel, np.zeros(3, np.float32)])
    return model


@pytest.mark.parametrize("kind", ["h5", "saved model"])
def test_a_foreign_network_is_exported_to_every_format(
    tmp_path: Path, out: Path, folder: Path, tfjs: object, kind: str
) -> None:
    path = tmp_path / ("model.h5" if kind == "h5" else "model")
    if kind == "h5":
        colour_net().save(path)
    else:
        tf.saved_model.save(colour_net(), str(path))
    compressed = compress_keras_file(
        path,
        ImageRecipe("small", (ImageQuantize("int8", calibration_images=20),)),
        folder,
        preprocessing=Preprocessing(scale=1 / 255),
        work=tmp_path / "work",
    )
    summary = export_classifier(compressed, out)
    assert all(artifact.parity.original_agreement == 1.0 for artifact in summary.artifacts)
    assert "with the original model 1.000" in summary.lines()[0]
    assert "Top-1 agreement with the model as it was given: TFLite 1.0000" in (out / CARD).read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    assert [entry["parity"]["original_agreement"] for entry in manifest["artifacts"]] == [1.0, 1.0, 1.0]
    assert [artifact.precision for artifact in summary.artifacts] == ["int8", "int8", "int8-weights"]
    for engine in ("litert", "onnxruntime"):
        with Classifier.open(out, engine=engine) as classifier:
            assert classifier.self_test().passed
            assert classifier.manifest.model.type == "trained elsewhere"
            found = [classifier.classify(folder / label / "3.png", k=1)[0].label for label in COLOURS]
            assert found == list(COLOURS)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_a_float_artifact_has_the_answers_of_the_original(
    tmp_path: Path, out: Path, folder: Path, temperature: float
) -> None:
    colour_net().save(tmp_path / "model.keras")
    made = compress_keras_file(
        tmp_path / "model.keras",
        ImageRecipe("none", ()),
        folder,
        preprocessing=Preprocessing(scale=1 / 255),
        work=tmp_path / "work",
    )
    compressed = replace(made, temperature=temperature)
    (artifact,) = export_classifier(compressed, out, formats=("tflite",)).artifacts
    assert artifact.parity.original_agreement == 1.0
    reference = compressed.full.reference
    # At a low temperature all probabilities are close to 0 or 1, whatever the logits are.
    changes = [np.roll(reference.probabilities, 1, axis=1)]
    changes += [reference.probabilities ** np.float32(1.05)] if temperature >= 1.0 else []
    for change in changes:
        wrong = replace(reference, probabilities=change / change.sum(axis=1, keepdims=True))
        changed = replace(compressed, full=replace(compressed.full, reference=wrong))
        with pytest.raises(ConversionError, match=r"expected the answers of the model that `hanji compress`"):
            export_classifier(changed, out, formats=("tflite",), replace=True)
