"""`gives`: what a model's outputs can be, and hints that lead to a bundle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.meaning import Answers, contradiction
from hanji.compression.classifiers.files.settings import Gives, WrapSettings
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.runtime import Classifier
from hanji.runtime.manifest import Tensor
from hanji.training.errors import HanjiError, RecipeError
from hanji.training.settings import settings_from

from .wrap_models import Network, image, onnx_model, saved, softmax, tflite_model

FLOAT = Tensor("found", "float32", (1, 3), scale=None, zero_point=None)
SCALED = {"scale": 1 / 255}


def labels(count: int) -> ClassNames:
    return ClassNames("labels.txt", tuple(f"class {number}" for number in range(count)))


def quantized(classes: int, scale: float = 1 / 256) -> Tensor:
    return Tensor("found", "uint8", (1, classes), scale=scale, zero_point=0)


def rounded_softmax(classes: int, spread: float) -> Answers:
    """Softmax outputs, rounded to multiples of 1/256."""
    logits = np.random.default_rng(0).normal(0, spread, (8, classes))
    values = np.stack([softmax(row) for row in logits])
    return Answers(quantized(classes), np.rint(values * 256) / 256)


@pytest.mark.parametrize("classes", [2, 10, 200, 1000])
@pytest.mark.parametrize("spread", [0.01, 1.0, 3.0, 6.0])
def test_rounded_probabilities_are_probabilities(classes: int, spread: float) -> None:
    answers = rounded_softmax(classes, spread)
    assert contradiction(answers, "probabilities") == ""
    assert "found outputs that are probabilities; leave gives out" in contradiction(answers, "logits")


def test_the_tolerance_is_that_of_the_rounding() -> None:
    sigmoids = np.full((4, 10), 0.5)
    sigmoids[:, 0] = 0.75
    assert "sums from 5.25 to 5.25" in contradiction(Answers(quantized(10), sigmoids), "probabilities")
    two_labels = np.zeros((4, 1000))
    two_labels[:, :2] = 0.75
    assert "sums from 1.5 to 1.5" in contradiction(Answers(quantized(1000), two_labels), "probabilities")
    almost = np.array([[0.5, 0.44, 0.0]])  # too little for float32, but not for three values in steps of 1/32
    assert contradiction(Answers(quantized(3, 1 / 32), almost), "probabilities") == ""
    assert "set gives" in contradiction(Answers(FLOAT, almost), "probabilities")


def test_int8_probabilities_of_many_classes(tmp_path: Path, out: Path) -> None:
    def samples() -> Any:
        rng = np.random.default_rng(0)
        for _ in range(20):
            yield [rng.random((1, 6, 4, 3)).astype(np.float32)]

    network, path = Network(outputs=500), tmp_path / "model.tflite"
    path.write_bytes(
        tflite_model(
            network,
            output=(1, 500),
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=samples,
            inference_input_type=tf.uint8,
            inference_output_type=tf.uint8,
        )
    )
    with pytest.raises(RecipeError, match="found outputs that are probabilities; leave gives out"):
        wrap_model(
            path,
            out,
            labels=labels(500),
            settings=settings_from(WrapSettings, {**SCALED, "gives": "logits"}, "p"),
        )
    wrap_model(path, out, labels=labels(500), settings=settings_from(WrapSettings, SCALED, "p"))
    expected = softmax(network.logits(image() / 255))
    with Classifier.open(out) as classifier:
        found = classifier.probabilities(image())
    assert found.argmax() == expected.argmax()
    assert found.max() == pytest.approx(expected.max(), abs=0.1)


SIGMOIDS = {"outputs": 3, "activation": "Sigmoid"}
ONE_SIGMOID, ONE_LOGIT = {"outputs": 1, "activation": "Sigmoid"}, {"outputs": 1, "activation": ""}
LOGITS, PROBABILITIES = {"outputs": 3, "activation": ""}, {"outputs": 3, "activation": "Softmax"}


@pytest.mark.parametrize("gives", get_args(Gives))
@pytest.mark.parametrize("model", [SIGMOIDS, ONE_SIGMOID, ONE_LOGIT, LOGITS, PROBABILITIES])
def test_every_hint_leads_to_a_bundle(tmp_path: Path, out: Path, model: dict[str, Any], gives: str) -> None:
    """Whatever a refusal proposes is accepted for the same model."""
    network = Network(outputs=model["outputs"])
    path = saved(
        onnx_model(network, output=(1, network.outputs), activation=model["activation"]),
        tmp_path / "model.onnx",
    )

    def wrap(table: dict[str, Any]) -> None:
        settings = settings_from(WrapSettings, {**SCALED, **table}, "p.toml")
        wrap_model(path, out, labels=labels(settings.names(network.outputs)), settings=settings)

    try:
        wrap({"gives": gives})
    except HanjiError as error:
        proposals = re.findall(r'gives = "([\w-]+)"', str(error)) or ["probabilities"]
        assert "leave gives out" in str(error) or "set gives" in str(error)
        for proposal in proposals:
            wrap({"gives": proposal})
    assert (out / "manifest.json").exists()


def test_logits_between_0_and_1_need_other_images(tmp_path: Path, out: Path) -> None:
    """Small logits look like sigmoids; images with larger ones show what they are."""
    from PIL import Image

    network, path, folder = Network(), tmp_path / "model.onnx", tmp_path / "images"
    saved(onnx_model(network, activation="Relu"), path)
    table = {"scale": 1e-6, "gives": "logits"}
    with pytest.raises(
        RecipeError, match=r"all between 0 and 1.*set gives = \"scores\" or.*\(--pictures DIR\)"
    ):
        wrap_model(path, out, labels=labels(3), settings=settings_from(WrapSettings, table, "p.toml"))
    folder.mkdir()
    Image.fromarray(image()).save(folder / "telling.png")
    table["scale"] = 1.0
    wrap_model(
        path, out, labels=labels(3), settings=settings_from(WrapSettings, table, "p.toml"), samples=folder
    )


def test_a_probability_may_exceed_1_by_the_last_bit() -> None:
    assert contradiction(Answers(FLOAT, np.array([[1.0000001, 0.0, 0.0]])), "probabilities") == ""


def test_outputs_that_do_not_vary_show_nothing() -> None:
    constant = Answers(FLOAT, np.full((4, 3), 0.461))
    assert contradiction(constant, "logits") == ""
    assert 'set gives = "scores"' in contradiction(constant, "probabilities")
    assert "leave gives out" in contradiction(Answers(FLOAT, np.full((4, 3), 1 / 3)), "logits")


def test_integers_without_a_scale_are_scores() -> None:
    answers = Answers(Tensor("found", "int64", (1, 3), None, None), np.array([[3.0, 200.0, 1.0]]))
    assert contradiction(answers, "scores") == ""
    for gives in ("probabilities", "logits"):
        assert "integers without a scale (int64)" in contradiction(answers, gives)  # type: ignore[arg-type]
