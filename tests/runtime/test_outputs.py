"""Classifiers whose images have several labels, or none, and models that estimate numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import BundleError, Classifier, HanjiError, Value
from hanji.runtime.benchmarks import session
from hanji.runtime.benchmarks.classifier import noise
from hanji.runtime.cli import main
from hanji.runtime.manifest.reader import parse_manifest

from .conftest import with_output

LEVELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
UNITS = ["years", "", "mm", ""]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def make_bundle(make_image_parts: Callable[..., Any], tmp_path: Path) -> Callable[..., Path]:
    def make(output: dict[str, Any], source: str) -> Path:
        parts = make_image_parts("onnx")
        parts.manifest = with_output(parts.manifest, output, source)
        return Path(parts.write(tmp_path / "bundle"))

    return make


@pytest.fixture
def with_thresholds(make_bundle: Callable[..., Path]) -> Callable[..., Path]:
    return lambda thresholds: make_bundle({"kind": "multi-label", "thresholds": thresholds}, "graph")


@pytest.fixture
def values_bundle(make_bundle: Callable[..., Path]) -> Path:
    return make_bundle({"kind": "values", "units": UNITS}, "none")


@pytest.fixture
def expected(image_weights: Any) -> np.ndarray:
    return np.asarray(image_weights.probabilities(LEVELS))


def test_the_labels_that_reach_their_threshold(
    with_thresholds: Callable[..., Path], expected: np.ndarray
) -> None:
    best, second = np.argsort(-expected)[:2]
    thresholds = [0.0] * 4
    thresholds[best] = 1.0
    with Classifier.open(with_thresholds(thresholds)) as classifier:
        rows = classifier.classify(LEVELS)
        assert [row.index for row in rows] == [index for index in np.argsort(-expected) if index != best]
        assert [row.rank for row in rows] == [1, 2, 3]
        assert [row.index for row in classifier.classify(LEVELS, 1, language="ko")] == [second]
        assert rows.best.probability == pytest.approx(expected[second], abs=1e-5)
        assert np.allclose(classifier.probabilities(LEVELS), expected, atol=1e-5)
        assert classifier.classify_batch([LEVELS]) == [rows]
        assert classifier.self_test().passed


def test_a_probability_equal_to_its_threshold(with_thresholds: Callable[..., Path]) -> None:
    with Classifier.open(with_thresholds([0.5] * 4)) as classifier:
        found = classifier.probabilities(LEVELS).tolist()
    above = [np.nextafter(value, 2) for value in found]  # in float64: the next float32 is further away
    with Classifier.open(with_thresholds([*found[:2], *above[2:]])) as classifier:
        assert {row.index for row in classifier.classify(LEVELS)} == {0, 1}


def test_an_image_without_labels(with_thresholds: Callable[..., Path]) -> None:
    with Classifier.open(with_thresholds([1.0] * 4)) as classifier:
        rows = classifier.classify(LEVELS)
        assert (len(rows), tuple(rows)) == (0, ())
        with pytest.raises(HanjiError, match="best: no label reaches its threshold"):
            _ = rows.best


def test_values(values_bundle: Path, expected: np.ndarray) -> None:
    with Classifier.open(values_bundle) as model:
        rows = model.estimate(LEVELS)
        assert isinstance(rows[0], Value)
        assert [row.label for row in rows] == ["cat", "dog", "owl", "cat"]
        assert [row.unit for row in rows] == UNITS
        assert [row.value for row in rows] == pytest.approx(expected.tolist(), abs=1e-5)
        assert model.estimate(LEVELS, language="ko")[1].name == "개"
        assert model.answer(LEVELS) == rows
        assert model.self_test().passed
        for call in (model.classify, model.probabilities, lambda image: model.classify_batch([image])):
            with pytest.raises(HanjiError, match=r"a model of values; call estimate\(\) instead"):
                call(LEVELS)


def test_a_classifier_estimates_nothing(
    with_thresholds: Callable[..., Path], onnx_image_bundle: Path
) -> None:
    for path in (with_thresholds([0.5] * 4), onnx_image_bundle):
        with Classifier.open(path) as classifier:
            assert classifier.answer(LEVELS, 2) == classifier.classify(LEVELS, 2)
            with pytest.raises(HanjiError, match=r"a model of probabilities of classes; call classify\(\)"):
                classifier.estimate(LEVELS)


@pytest.mark.parametrize(
    ("output", "source", "message"),
    [
        ({"kind": "multi-label", "thresholds": [0.5] * 3}, "graph", r"thresholds: expected 4 .*found 3"),
        ({"kind": "multi-label", "thresholds": [0.5] * 4}, "softmax", "source: expected graph for multi-"),
        ({"kind": "values", "units": []}, "none", r"units: expected 4 \(labels\.count\), found 0"),
        ({"kind": "values", "units": UNITS}, "graph", "source: expected none for values, found graph"),
        ({"kind": "multi-label", "thresholds": [0.5, 0.5, 0.5, 1.5]}, "graph", "expected numbers from 0 to"),
        ({"kind": "boxes"}, "none", "output.kind: expected one of multi-label, values"),
    ],
)
def test_outputs_that_contradict_the_bundle(
    make_bundle: Callable[..., Path], output: dict[str, Any], source: str, message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        Classifier.open(make_bundle(output, source))


def test_version_1_has_no_output(make_image_parts: Callable[..., Any], tmp_path: Path) -> None:
    """A reader of version 1 ignores the field, so that every reader of such a bundle does."""
    path = make_image_parts("onnx").write(tmp_path / "bundle")
    manifest = json.loads((path / "manifest.json").read_bytes())
    parsed = parse_manifest(json.dumps({**manifest, "output": {"kind": "values", "units": []}}).encode())
    assert (parsed.schema_version, getattr(parsed, "output", "")) == (1, None)


@pytest.fixture
def image_file(tmp_path: Path) -> str:
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(LEVELS).save(tmp_path / "image.png")
    return str(tmp_path / "image.png")


def test_the_command_prints_labels(
    with_thresholds: Callable[..., Path], image_file: str, capsys: Capture, expected: np.ndarray
) -> None:
    thresholds = np.where(expected == expected.max(), 0, 1).tolist()
    assert main(["classify", str(with_thresholds(thresholds)), image_file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["rank", "class", "probability"]
    assert lines[4].split()[0] == "1"
    assert len(lines) == 5
    path = str(with_thresholds([1.0] * 4))
    assert main(["classify", path, image_file]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no label reaches its threshold"
    assert main(["classify", path, image_file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"][0]["classes"] == []
    assert main(["info", path]) == 0
    assert "outputs    multi-label, 4 labels" in (shown := capsys.readouterr().out)
    assert "agreement 1.000" in shown


def test_the_commands_print_values(
    values_bundle: Path, image_file: str, capsys: Capture, expected: np.ndarray
) -> None:
    assert main(["classify", str(values_bundle), image_file, "--language", "ko"]) == 0
    row = capsys.readouterr().out.splitlines()[3].split()
    assert (row[0], row[2]) == ("고양이", "years")
    assert float(row[1]) == pytest.approx(expected[0], rel=1e-4)
    assert main(["classify", str(values_bundle), image_file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"][0]["values"][2]["unit"] == "mm"
    assert main(["info", str(values_bundle)]) == 0
    assert "outputs    values, 4 numbers" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_watching_with_values(
    values_bundle: Path, image_file: str, capsys: Capture, as_json: bool, expected: np.ndarray
) -> None:
    options = ["--folder", str(Path(image_file).parent), "--existing", "--max-frames", "1"]
    assert main(["watch", str(values_bundle), *options, *(["--json"] if as_json else [])]) == 0
    line = next(
        line for line in capsys.readouterr().out.splitlines() if "image.png" in line and "cat" in line
    )
    if as_json:
        assert [row["label"] for row in json.loads(line)["values"]] == ["cat", "dog", "owl", "cat"]
    else:
        assert f"cat {expected[0]:.3g}"[:8] in line
        assert " years, dog " in line


def test_watching_without_a_label(
    with_thresholds: Callable[..., Path], image_file: str, capsys: Capture
) -> None:
    options = ["--folder", str(Path(image_file).parent), "--existing", "--max-frames", "1"]
    assert main(["watch", str(with_thresholds([1.0] * 4)), *options]) == 0
    assert "image.png  no label  " in capsys.readouterr().out


def test_a_benchmark_of_values(values_bundle: Path) -> None:
    job: Any = {"warm_up": 0, "runs": 1, "k": 5, "seed": 0}
    with Classifier.open(values_bundle) as model:
        _, first, rounds, _ = session.calls(model, job)
        whole = next(rounds)[0]
        assert first() == model.estimate(noise(1, model.image_input.shape, 0)[0])
        assert whole() == first()
