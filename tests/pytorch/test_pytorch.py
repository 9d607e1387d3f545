"""docs/pytorch.md: from torch.onnx.export to a bundle, and the three usual mistakes.

The exported files are made by PyTorch if it is set up (`make pytorch`), and always with onnx.helper in the
form in which PyTorch writes them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import Classifier
from hanji.runtime.cli import main

from ..converter import real_converter  # noqa: F401 - a fixture
from .networks import write
from .torch_environment import MissingError, find_torch

PAGE = (Path(__file__).parents[2] / "docs" / "pytorch.md").read_text(encoding="utf-8")
Bundle = Callable[..., int]


def block(language: str) -> str:
    """The page's only block of code in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


@pytest.fixture(autouse=True)
def _no_trial_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the tests of wrapped files: it takes half a second for each."""
    monkeypatch.setattr(
        "hanji.compression.classifiers.files.read_model_file.call_in_child", lambda *_, **__: None
    )


@pytest.fixture(scope="module", params=["torch 1", "torch 2", "torch itself"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with logits.onnx, softmax.onnx, images.npy and logits.npy."""
    out = tmp_path_factory.mktemp("exported")
    rng = np.random.default_rng(0)
    images = rng.random((16, 1, 1, 3)) * rng.random((16, 32, 24, 3)) * 255
    np.save(out / "images.npy", images.astype(np.uint8))
    if request.param != "torch itself":
        write(request.param, out)
        return out
    try:
        torch = find_torch()
    except MissingError as error:
        pytest.skip(str(error))
    code = out / "code.py"
    code.write_text(block("python").replace("224, 224", "32, 24"))
    torch.run(Path(__file__).with_name("export_network.py"), code, out)
    return out


@pytest.fixture
def bundle(exported: Path, tmp_path: Path, out: Path) -> Bundle:
    """A function that runs `hanji bundle` with a text as preprocessing.toml and returns its exit code."""
    for path in exported.iterdir():
        shutil.copy(path, tmp_path)

    def run(settings: str, name: str = "logits", *options: str) -> int:
        (tmp_path / "labels.txt").write_text("cat\ndog\nfish\n")
        (tmp_path / "preprocessing.toml").write_text(settings)
        given = ["--labels", str(tmp_path / "labels.txt"), *options]
        given += ["--preprocessing", str(tmp_path / "preprocessing.toml"), "--out", str(out)]
        return main(["bundle", str(tmp_path / f"{name}.onnx"), *given])

    return run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


def expect_answers(exported: Path, out: Path, engine: str = "onnxruntime") -> None:
    """The bundle gives the network's own probabilities."""
    logits = np.load(exported / "logits.npy")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert len(set(expected.argmax(axis=1))) > 1
    with Classifier.open(out, engine=engine) as classifier:
        found = np.stack([classifier.probabilities(image) for image in np.load(exported / "images.npy")])
    np.testing.assert_allclose(found, expected, atol=2e-4)


def without(text: str, *keys: str) -> str:
    """The settings without some keys."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(keys))


def test_a_bundle_answers_as_the_network(exported: Path, bundle: Bundle, out: Path) -> None:
    assert bundle(block("toml")) == 0
    expect_answers(exported, out)
    assert main(["verify", "--in-process", str(out)]) == 0


@pytest.mark.usefixtures("real_converter")
def test_both_formats_answer_as_the_network(exported: Path, bundle: Bundle, out: Path) -> None:
    assert bundle(block("toml"), "logits", "--formats", "onnx,tflite") == 0
    expect_answers(exported, out, "onnxruntime")
    expect_answers(exported, out, "litert")


def test_inspect_names_what_the_page_says(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(exported / "logits.onnx")]) == 0
    printed = capsys.readouterr().out
    assert "channels first: 32 × 24 pixels, 3 channels" in printed
    assert 'probably logits, as Gemm computes it: gives = "logits"' in printed
    assert "scale = 0.00392156862745098 (1/255) with ImageNet's mean = [0.485, 0.456, 0.406]" in printed


def test_channels_are_not_mixed_up(
    exported: Path, bundle: Bundle, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle(block("toml") + 'layout = "channels-last"\n') == 1
    assert "expected one that the input 'image'" in (refusal := capsys.readouterr().err)
    assert "leave it out" in refusal
    assert bundle(block("toml") + 'layout = "channels-first"\n') == 0
    expect_answers(exported, out)


def test_a_missing_or_doubled_normalization_is_asked_about(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    levels = "scale = 0.00392156862745098\nmean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]\n"
    texts = {
        block("toml"): "",
        without(block("toml"), "scale", "mean", "std"): "nothing in the file scales them",
        without(block("toml"), "scale"): "from -2.118 to 1136, which is unusual; .*set scale = 0.0039",
        levels + 'gives = "logits"\n': "which is unusual; .*leave scale out",
        without(levels, "scale") + 'gives = "logits"\n': "",
    }
    for settings, expected in texts.items():
        caplog.clear()
        assert bundle(settings) == 0
        assert re.search(expected, caplog.text) if expected else "gets" not in caplog.text, settings


def test_logits_and_probabilities_are_told_apart(
    exported: Path, bundle: Bundle, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logits, probabilities = block("toml"), without(block("toml"), "gives")
    assert bundle(probabilities, "logits") == 1
    assert re.search('expected probabilities, found outputs .*set gives = "logits"', capsys.readouterr().err)
    assert bundle(logits, "softmax") == 1
    assert "found outputs that are probabilities; leave gives out" in capsys.readouterr().err
    assert bundle(probabilities, "softmax") == 0
    expect_answers(exported, out)


def test_a_pickled_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"PK")
    arguments: list[Any] = ["inspect", str(path)]
    assert main(arguments) == 1
    assert "torch.onnx.export(model" in capsys.readouterr().err
