"""Bundles of models whose images have several labels, and of models that estimate numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.measures import measure_of, worst_difference
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.files.settings_file import read_settings
from hanji.export.bundle.queries import Outputs
from hanji.export.classifiers.golden import image_golden_table
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.runtime import Classifier
from hanji.runtime.classifier_golden import parse_golden, replay
from hanji.runtime.cli import main
from hanji.runtime.manifest import Artifact, Output
from hanji.training.errors import RecipeError
from hanji.training.settings import settings_from

from .wrap_models import HEIGHT, WIDTH, Network, image, onnx_model, saved, tflite_model

NAMES = ("sunny", "people", "dog")
KOREAN = ("맑음", "사람", "개")
SCALED = {"scale": 1 / 255}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    return tmp_path / "model.tflite"


def wrap(path: Path, out: Path, count: int = 3, **table: Any) -> Artifact:
    names = ClassNames("labels.txt", NAMES[:count], {"ko": KOREAN[:count]})
    settings = settings_from(WrapSettings, {**SCALED, **table}, "p.toml")
    return wrap_model(path, out, labels=names, settings=settings).artifacts[0]


def sigmoid(values: Any) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.asarray(values))))


def logits(network: Network, pixels: Any = None) -> np.ndarray:
    return np.asarray(network.logits((image() if pixels is None else pixels) / 255))


def manifest_of(out: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return table


@pytest.mark.parametrize("outputs", [1, 3])
def test_labels_of_an_onnx_file(path: Path, out: Path, outputs: int) -> None:
    network = Network(outputs=outputs)
    saved(onnx_model(network, output=(1, outputs), activation="Sigmoid"), path)
    expected = sigmoid(logits(network))
    thresholds = [float(f"{value:.3f}") - 0.01 for value in expected]
    thresholds[0] += 0.02
    artifact = wrap(path, out, outputs, gives="multi-label", thresholds=thresholds)
    assert (out / "model.onnx").read_bytes() == path.read_bytes()
    assert not artifact.parity.checked
    assert manifest_of(out)["schema_version"] == 2
    assert manifest_of(out)["output"] == {"kind": "multi-label", "thresholds": thresholds}
    with Classifier.open(out) as classifier:
        rows = classifier.classify(image(), language="ko")
        assert [row.index for row in rows] == [index for index in np.argsort(-expected) if index > 0]
        assert all(row.name == KOREAN[row.index] for row in rows)
        assert classifier.probabilities(image()) == pytest.approx(expected, abs=1e-5)
        assert classifier.self_test().passed
    card = (out / "MODEL_CARD.md").read_text()
    assert f"the probability of each of {outputs} labels, independent of the others" in card
    assert f"sunny ({thresholds[0]:g})" in card
    assert "Compare its answers with annotations of your own images" in card


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("first", [False, True])
def test_logits_of_independent_labels(tmp_path: Path, out: Path, suffix: str, first: bool) -> None:
    """The sigmoid becomes a part of the file."""
    network, path = Network(first=first), tmp_path / f"model{suffix}"
    shape = (1, 3, 1, 1) if first else (1, 3)
    if suffix == ".onnx":
        saved(onnx_model(network, output=shape, activation=""), path)
    else:
        path.write_bytes(tflite_model(network, output=shape, activation=""))
    artifact = wrap(path, out, gives="multi-label-logits", thresholds=[0.3])
    assert artifact.parity.agreement == artifact.parity.minimum_agreement == 1.0
    assert manifest_of(out)["artifacts"][0]["parity"]["measured"] == "F1 score of the labels"
    expected = sigmoid(logits(network))
    with Classifier.open(out) as classifier:
        assert classifier.probabilities(image()) == pytest.approx(expected, abs=1e-5)
        found = {row.index for row in classifier.classify(image())}
    assert found == set(np.flatnonzero(expected >= 0.3).tolist())
    card = (out / "MODEL_CARD.md").read_text()
    assert "a sigmoid was inserted, as the outputs are the logits of independent labels" in card
    assert "F1 score of the labels 1.000 with the original file on 32 images" in card


def quantized(network: Network, activation: str) -> bytes:
    def samples() -> Any:
        rng = np.random.default_rng(0)
        for _ in range(20):
            yield [rng.random((1, HEIGHT, WIDTH, 3)).astype(np.float32)]

    return tflite_model(
        network,
        activation=activation,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=samples,
        inference_input_type=tf.uint8,
        inference_output_type=tf.uint8,
    )


@pytest.mark.parametrize("gives", ["multi-label", "multi-label-logits", "values"])
def test_quantized_outputs(lite: Path, out: Path, gives: str) -> None:
    network = Network()
    lite.write_bytes(quantized(network, "sigmoid" if gives == "multi-label" else ""))
    artifact = wrap(lite, out, gives=gives)
    rewritten = gives == "multi-label-logits"
    assert artifact.signatures["classify"].outputs[0].dtype == ("float32" if rewritten else "uint8")
    assert ((out / "model.tflite").read_bytes() == lite.read_bytes()) is not rewritten
    expected = logits(network)
    with Classifier.open(out) as classifier:
        assert classifier.self_test().passed
        if gives == "values":
            found = [row.value for row in classifier.estimate(image())]
            assert found == pytest.approx(expected.tolist(), abs=0.1 * np.abs(expected).max())
        else:
            assert classifier.probabilities(image()) == pytest.approx(sigmoid(expected), abs=0.1)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_values(tmp_path: Path, out: Path, suffix: str, outputs: int) -> None:
    network, path = Network(outputs=outputs), tmp_path / f"model{suffix}"
    shape = (1, outputs)
    if suffix == ".onnx":
        saved(onnx_model(network, output=shape, activation=""), path)
    else:
        path.write_bytes(tflite_model(network, output=shape, activation=""))
    units = ["years", "", "mm"][:outputs]
    wrap(path, out, outputs, gives="values", units=units)
    assert (out / path.name).read_bytes() == path.read_bytes()
    assert manifest_of(out)["output"] == {"kind": "values", "units": units}
    with Classifier.open(out) as model:
        rows = model.estimate(image(), language="ko")
        assert [row.value for row in rows] == pytest.approx(logits(network).tolist(), rel=1e-4)
        assert [(row.label, row.name, row.unit) for row in rows] == list(
            zip(NAMES[:outputs], KOREAN[:outputs], units, strict=True)
        )
        assert model.self_test().passed
    assert f"Estimates {outputs} value(s): sunny (years)" in (out / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_values_in_a_table(tmp_path: Path, out: Path, suffix: str) -> None:
    """Such as the coordinates of points, row by row."""
    network, path = Network(outputs=6), tmp_path / f"model{suffix}"
    if suffix == ".onnx":
        saved(onnx_model(network, output=(1, 3, 2), activation=""), path)
    else:
        path.write_bytes(tflite_model(network, output=(1, 3, 2), activation=""))
    names = ClassNames("labels.txt", tuple(f"{point}.{axis}" for point in "abc" for axis in "xy"))
    settings = settings_from(WrapSettings, {**SCALED, "gives": "values", "units": ["px"]}, "p.toml")
    wrap_model(path, out, labels=names, settings=settings)
    with Classifier.open(out) as model:
        rows = model.estimate(image())
    assert [row.value for row in rows] == pytest.approx(logits(network).tolist(), rel=1e-4)
    assert (rows[3].label, rows[3].unit) == ("b.y", "px")


def test_small_values_have_a_small_tolerance(path: Path, out: Path) -> None:
    saved(onnx_model(Network(), activation=""), path)
    wrap(path, out, gives="values", scale=1e-9)
    golden = json.loads((out / "golden.json").read_text())["artifacts"]["onnx"]
    largest = max(abs(value) for case in golden["cases"] for value in case["probabilities"])
    sizes = golden["cases"][0]["sizes"]
    assert 0 < golden["tolerance"] * max(sizes) < largest / 1000


def test_each_value_has_a_tolerance_of_its_own(path: Path, out: Path) -> None:
    """The sign of an age is checked beside an income."""
    saved(onnx_model(Network(), activation=""), path)
    wrap(path, out, gives="values")
    with Classifier.open(out) as model:
        image_input = model.manifest.picture
    images = np.stack([image(), image()])
    rows = [np.array([-1e6, 1.75, 0.0], np.float32), np.array([2e6, 48.0, 0.0], np.float32)]
    table = image_golden_table(
        image_input, images, {"onnx": (Outputs("", tuple(rows)), 1e-4)}, are_values=True
    )
    assert table["artifacts"]["onnx"]["cases"][0]["sizes"] == [2e6, 48.0, 2.0]
    golden = parse_golden(json.dumps(table).encode(), image_input, 3)

    def passed(*factors: float) -> bool:
        answers = iter([row * np.array(factors, np.float32) for row in rows])
        return replay(golden, "onnx", image_input, lambda _: next(answers)).passed

    assert passed(1, 1, 1) and passed(1.00005, 1, 1)
    assert not passed(1, -1, 1) and not passed(1, np.nan, 1)
    expected = np.array([[-1e6, 1.75], [2e6, 48.0]])
    allowed = 1e-3 * measure_of(Output("values", units=("", ""))).sizes(expected)
    found, bound = worst_difference(expected * [1.0001, -1], expected, allowed)
    assert (found, bound) == (96.0, pytest.approx(0.048))


def test_one_of_several_outputs(path: Path, out: Path) -> None:
    network = Network()
    saved(onnx_model(network, activation="Sigmoid", extra=["logits"]), path)
    with pytest.raises(RecipeError, match=r"found 2 of 'found' .*'logits'.* set output"):
        wrap(path, out, gives="values")
    wrap(path, out, gives="values", output="logits")
    with Classifier.open(out) as model:
        found = [row.value for row in model.estimate(image())]
    assert found == pytest.approx(logits(network).tolist(), rel=1e-4)
    wrap(path, out, gives="multi-label")
    with Classifier.open(out) as model:
        assert model.probabilities(image()) == pytest.approx(sigmoid(logits(network)), abs=1e-5)


def test_several_sigmoids_are_asked_about(path: Path, out: Path) -> None:
    saved(onnx_model(Network(), activation="Sigmoid"), path)
    with pytest.raises(RecipeError, match=r'set gives = "multi-label" if an image has each label') as error:
        wrap(path, out)
    assert 'to rank the classes by them, set gives = "scores"' in str(error.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"gives": "multi-label", "thresholds": [0.1, 0.2]},
            r"thresholds: expected one for all, or ",
        ),
        ({"gives": "multi-label", "thresholds": [1.5]}, r"thresholds: expected .*at most 1.*found \[1.5\]"),
        (
            {"gives": "values", "units": ["m", "s"]},
            r"units: expected one for all, or one for each of 3",
        ),
        ({"gives": "values", "thresholds": [0.4]}, r'thresholds go with gives = "multi-label"'),
        ({"gives": "multi-label", "units": ["m"]}, r'units go with gives = "values"'),
        ({"gives": "labels"}, r"gives: expected one of 'probabilities', 'logits', 'scores', 'multi-label'"),
    ],
)
def test_settings_that_do_not_fit(path: Path, out: Path, table: dict[str, Any], message: str) -> None:
    saved(onnx_model(Network(), activation="Sigmoid"), path)
    with pytest.raises(RecipeError, match=message):
        wrap(path, out, **table)
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.txt", "0.1\n0.2\n0.3\n", (0.1, 0.2, 0.3)),
        ("t.json", "[0.1, 0.2, 1]", (0.1, 0.2, 1.0)),
        ("", "0.25", (0.25,)),
        ("", "[0.25, 0.5]", (0.25, 0.5)),
    ],
)
def test_thresholds_of_a_file(tmp_path: Path, name: str, content: str, expected: tuple[float, ...]) -> None:
    if name:
        (tmp_path / name).write_text(content)
    given = f'"{name}"' if name else content
    (tmp_path / "p.toml").write_text(f'gives = "multi-label"\nthresholds = {given}\n')
    assert read_settings(tmp_path / "p.toml").thresholds == expected


def test_the_threshold_of_labels_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "p.toml").write_text('gives = "multi-label"\n')
    with caplog.at_level("INFO", "hanji"):
        assert read_settings(tmp_path / "p.toml").thresholds == (0.5,)
    assert "an image has the labels whose probability is at least 0.5" in caplog.text


@pytest.mark.parametrize(
    ("name", "content"), [("t.txt", "0.1\nhalf\n"), ("t.json", "{}"), ("t.json", "["), ("t.txt", None)]
)
def test_thresholds_that_cannot_be_read(tmp_path: Path, name: str, content: str | None) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    (tmp_path / "p.toml").write_text(f'gives = "multi-label"\nthresholds = "{name}"\n')
    with pytest.raises(RecipeError, match=rf"{name}: expected .*JSON list"):
        read_settings(tmp_path / "p.toml")


def test_thresholds_elsewhere_or_too_many_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("0.5\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "many.txt").write_text("0.5\n" * 300_000)
    for name, message in (
        ("../outside.txt", "thresholds: expected a file beside it, found '../outside.txt'"),
        (str(tmp_path / "outside.txt"), "thresholds: expected a file beside it"),
        ("many.txt", "found more than 1,048,576 bytes"),
    ):
        path = tmp_path / "folder" / "p.toml"
        path.write_text(f'gives = "multi-label"\nthresholds = "{name}"\n')
        with pytest.raises(RecipeError, match=message):
            read_settings(path)


def test_the_commands(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(onnx_model(Network(), activation=""), path)
    (tmp_path / "names.txt").write_text("age\nheight\nweight\n")
    (tmp_path / "p.toml").write_text('scale = 0.01\ngives = "values"\nunits = ["years", "cm", "kg"]\n')
    given = ["--labels", str(tmp_path / "names.txt"), "--preprocessing", str(tmp_path / "p.toml")]
    bundle = str(tmp_path / "bundle")
    assert main(["bundle", str(path), *given, "--out", bundle]) == 0
    capsys.readouterr()
    assert main(["info", bundle]) == 0
    assert "outputs    values, 3 numbers" in capsys.readouterr().out
    assert main(["verify", bundle, "--in-process"]) == 0
    capsys.readouterr()
    assert main(["evaluate", bundle, "--data", str(tmp_path)]) == 1
    assert "expected one class per image, which a folder of classes can tell" in capsys.readouterr().err
