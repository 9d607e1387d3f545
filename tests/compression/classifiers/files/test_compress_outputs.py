"""Quantized model files with several labels or values: measures, selection and the gate of the export."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from hanji.compression.classifiers.files.compress_file import compress_model_file
from hanji.compression.classifiers.files.compressed_file import (
    CompressedFile,
    load_compressed_file,
    save_compressed_file,
)
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.measures import BestClass, SameLabels, SameValues, measure_of
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.export.classifiers.wrap.compressed import bundle_compressed_file
from hanji.runtime import Classifier
from hanji.runtime.manifest import Output
from hanji.training.errors import ConversionError, RecipeError

from .networks import onnx_file, tflite_file

NAMES = ClassNames("names.txt", ("a", "b", "c", "d"))
LABELS = WrapSettings(scale=1 / 255, gives="multi-label", thresholds=(0.5, 0.4, 0.6, 0.5))
LOGITS = dataclasses.replace(LABELS, gives="multi-label-logits")
VALUES = WrapSettings(scale=1 / 255, gives="values", units=("mm",))
ACTIVATIONS = {"multi-label": "sigmoid", "multi-label-logits": "", "values": ""}
MADE = {".onnx": onnx_file, ".tflite": tflite_file}


def recipe(scheme: str = "int8") -> ImageRecipe:
    table = {"type": "quantize", "scheme": scheme, "calibration_images": 60}
    return ImageRecipe.from_tables(scheme, [table], "test")


def compressed(
    settings: WrapSettings, suffix: str, folder: Path, directory: Path, scheme: str = "int8"
) -> CompressedFile:
    path = directory / f"model{suffix}"
    path.write_bytes(MADE[suffix](1.0, ACTIVATIONS[settings.gives]))
    return compress_model_file(path, recipe(scheme), folder, settings=settings, labels=NAMES)


def test_the_f1_score_of_labels() -> None:
    measure = SameLabels((0.5, 0.3))
    expected = np.array([[0.9, 0.1], [0.2, 0.1], [0.6, 0.4]])
    found = np.array([[0.8, 0.2], [0.5, 0.0], [0.4, 0.9]])
    assert measure.agreement(expected, expected) == 1.0
    assert measure.agreement(found, expected) == 2 * 2 / (3 + 3)
    assert measure.agreement(np.zeros((3, 2)), expected) == 0.0, "two thirds of the pairs are the same"
    assert measure.agreement(np.zeros((3, 2)), np.full((3, 2), 0.1)) == 1.0
    assert measure.agreement(found, np.full((3, 2), 0.1)) == 0.5
    assert measure.agreement(found, expected, 0.1) == 2 * 3 / (4 + 3), "0.6 is as good as 0.4"
    assert measure.error(found, expected) > measure.error(expected, expected) == 0.0
    assert "gives no label for any image" in measure.shows_little(np.full((3, 2), 0.1))
    assert measure.shows_little(expected) == ""


def test_the_f1_score_of_one_label_per_image_is_the_share_of_equal_ones() -> None:
    rng = np.random.default_rng(0)
    expected, found = (np.eye(5)[rng.integers(0, 5, 200)] for _ in range(2))
    share = BestClass().agreement(found, expected)
    assert SameLabels((0.5,) * 5).agreement(found, expected) == pytest.approx(share)


def test_the_coefficient_of_determination_of_values() -> None:
    rng = np.random.default_rng(0)
    expected = rng.normal(0, 1, (500, 2)) * (1.0, 1000.0)
    noise = rng.normal(0, 1, (500, 2))
    measure = SameValues()
    assert measure.agreement(expected, expected) == 1.0
    found = expected + noise * (0.1, 0.0)
    assert measure.agreement(found, expected) == pytest.approx(0.99, abs=0.002)
    assert measure.error(found, expected) == pytest.approx(0.1, abs=0.01)
    found = expected + noise * (0.5, 0.0)  # the large value does not hide the error of the small one
    assert measure.agreement(found, expected) == pytest.approx(0.75, abs=0.05)
    assert measure.agreement(expected[::-1], expected) == 0.0
    constant = np.full((500, 2), 40.0)
    assert measure.agreement(constant + 0.001, constant) > 0.99
    assert measure.agreement(constant + 0.1, constant) == 0.0
    assert "a value that is the same for all images" in measure.shows_little(constant)
    assert measure.shows_little(expected) == ""


def test_the_measure_of_each_output() -> None:
    assert isinstance(measure_of(None), BestClass)
    assert measure_of(Output("multi-label", (0.5,))) == SameLabels((0.5,))
    assert isinstance(measure_of(Output("values", units=("",))), SameValues)


@pytest.mark.parametrize("suffix", MADE)
@pytest.mark.parametrize("settings", [LABELS, LOGITS, VALUES], ids=lambda found: found.gives)
def test_a_bundle_answers_like_the_original(
    suffix: str, settings: WrapSettings, folder: Path, tmp_path: Path
) -> None:
    made = compressed(settings, suffix, folder, tmp_path)
    assert made.agreement >= 0.95
    assert len(made.model) != len(made.original)
    save_compressed_file(made, tmp_path / "out")
    loaded = load_compressed_file(tmp_path / "out")
    assert loaded.settings == settings
    (artifact,) = bundle_compressed_file(loaded, tmp_path / "bundle").artifacts
    assert artifact.precision == "int8"
    assert artifact.parity.minimum_agreement == 0.95 <= artifact.parity.agreement
    image = np.asarray(Image.open(next(folder.rglob("*.png"))))
    with Classifier.open(tmp_path / "bundle") as model:
        assert model.self_test().passed
        assert model.manifest.output == settings.outputs_of(4, "here")
        if settings is VALUES:
            assert [row.unit for row in model.estimate(image)] == ["mm"] * 4
        else:
            found = model.probabilities(image)
            expected = {index for index in range(4) if found[index] >= settings.thresholds[index]}
            assert {row.index for row in model.classify(image)} == expected
    summary = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert "with the original file on 64 images" in summary


@pytest.mark.parametrize("settings", [LABELS, VALUES], ids=lambda found: found.gives)
def test_a_wrong_file_is_caught_at_export(settings: WrapSettings, folder: Path, tmp_path: Path) -> None:
    made = compressed(settings, ".onnx", folder, tmp_path, "int8-weights")
    other = onnx.load_from_string(made.original)
    (head,) = (each for each in other.graph.initializer if each.name == "head")
    head.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(head), "head"))
    wrong = dataclasses.replace(made, model=other.SerializeToString())
    subject = "values" if settings is VALUES else "labels"
    with pytest.raises(ConversionError, match=f"expected the {subject} of the original file"):
        bundle_compressed_file(wrong, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_folders_do_not_name_labels_or_values(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_file(1.0, "sigmoid"))
    for settings in (LABELS, VALUES):
        with pytest.raises(RecipeError, match=r"give --labels FILE with one a line"):
            compress_model_file(path, recipe(), folder, settings=settings)


def test_too_few_labels_are_said(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = dataclasses.replace(LABELS, thresholds=(1.0,))
    compressed(settings, ".onnx", folder, tmp_path, "float16")
    assert "the agreement shows little, as the original file gives no label for any image" in caplog.text
