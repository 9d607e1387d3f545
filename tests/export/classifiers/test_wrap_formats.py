"""`hanji bundle --formats onnx,tflite`: an ONNX file in both formats, or in one with the reason."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from hanji.compression.classifiers.conversion.environment import (
    LOCK,
    ConverterMissingError,
    converter_version,
    environment_directory,
)
from hanji.export.classifiers.wrap.wrap import WrapOptions, wrap_model
from hanji.export.commands import setup_onnx2tf
from hanji.runtime.cli import main
from hanji.training.errors import ConversionError, HanjiError

from ...converter import gives_file, real_converter, stub_converter  # noqa: F401 - a fixture
from .test_wrap import LABELS, SETTINGS, colour_net, colours, onnx_file, tflite

BOTH = WrapOptions(formats=("onnx", "tflite"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "colours.onnx"
    onnx_file(path, channels_first=True)
    return path


@pytest.fixture
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda script: stub_converter(tmp_path / "environment", monkeypatch, script)


@functools.cache
def file(kind: str) -> bytes:
    """The network as TFLite, channels last: right, with mixed up classes (wrong), or with logits."""
    model = colour_net(softmax=kind != "logits")
    if kind == "wrong":
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([kernel[:, ::-1], bias])
    return tflite(model)


@pytest.fixture
def right(tmp_path: Path) -> str:
    """A converter that makes a file with the same answers, channels last."""
    (tmp_path / "right.tflite").write_bytes(file("right"))
    return gives_file(tmp_path / "right.tflite")


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """A converter whose file mixes up the classes."""
    (tmp_path / "wrong.tflite").write_bytes(file("wrong"))
    return gives_file(tmp_path / "wrong.tflite")


def arguments(path: Path, out: Path) -> list[str]:
    labels, settings = path.with_name("labels.txt"), path.with_name("preprocessing.toml")
    labels.write_text("red\ngreen\nblue\n")
    settings.write_text(f"scale = {1 / 255}\nmean = [0.5]\nstd = [0.25]\n")
    return [
        "bundle",
        str(path),
        "--labels",
        str(labels),
        "--preprocessing",
        str(settings),
        "--out",
        str(out),
    ]


def test_both_formats_with_the_answers_of_the_file(
    path: Path, out: Path, converter: Callable[[str], None], right: str
) -> None:
    converter(right)
    summary = wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=BOTH)
    assert [artifact.format for artifact in summary.artifacts] == ["onnx", "tflite"]
    assert summary.left_out == {}
    assert colours(out, "onnxruntime") == colours(out, "litert") == ["red", "green", "blue"]
    parity = summary.artifacts[1].parity
    assert parity.checked
    assert parity.top1_agreement == 1.0
    assert parity.max_abs_error == pytest.approx(0.0, abs=1e-5)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["versions"]["onnx2tf"] == converter_version() == "2.6.9"
    assert set(json.loads((out / "golden.json").read_text())["artifacts"]) == {"onnx", "tflite"}
    assert "converted from ONNX by onnx2tf 2.6.9" in (out / "MODEL_CARD.md").read_text()


def test_other_answers_leave_the_format_out(
    path: Path,
    out: Path,
    converter: Callable[[str], None],
    wrong: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    converter(wrong)
    assert main([*arguments(path, out), "--formats", "onnx,tflite"]) == 0
    printed = capsys.readouterr().out
    assert "tflite LEFT OUT: " in printed
    assert "onnx2tf converts this network wrongly" in printed
    assert not (out / "model.tflite").exists()
    assert "TFLite is left out: " in (out / "MODEL_CARD.md").read_text()
    assert "onnx2tf" not in json.loads((out / "manifest.json").read_text())["versions"]
    assert colours(out, "onnxruntime") == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'noise' >&2; echo 'Einsum is not supported' >&2; exit 1",
            "2.6.9 cannot convert .*: Einsum",
        ),
        ("kill -9 $$", "cannot convert .*exit code -9"),
        ("true", "wrote no float32 TFLite file"),
        ('echo nonsense > "$4/model_float32.tflite"', "expected a TFLite file"),
        ("cp $(dirname $0)/logits.tflite $4/model_float32.tflite", "onnx2tf's TFLite file: .*probabilities"),
    ],
)
def test_a_converter_that_fails_leaves_the_format_out(
    path: Path, out: Path, converter: Callable[[str], None], script: str, reason: str
) -> None:
    converter(script)
    (path.parent / "environment" / "bin" / "logits.tflite").write_bytes(file("logits"))
    summary = wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=BOTH)
    assert [artifact.format for artifact in summary.artifacts] == ["onnx"]
    with pytest.raises(ConversionError, match=reason):
        raise ConversionError(summary.left_out["tflite"])


def test_nothing_else_was_asked_for(
    path: Path, out: Path, converter: Callable[[str], None], wrong: str
) -> None:
    converter(wrong)
    with pytest.raises(ConversionError, match="converts this network wrongly"):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=WrapOptions(formats=("tflite",)))
    assert not out.exists()


def test_tflite_alone(path: Path, out: Path, converter: Callable[[str], None], right: str) -> None:
    converter(right)
    wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=WrapOptions(formats=("tflite",)))
    assert not (out / "model.onnx").exists()
    assert colours(out, "litert") == ["red", "green", "blue"]


def test_without_the_converter_nothing_is_installed_or_written(
    path: Path, out: Path, empty_cache: Path
) -> None:
    with pytest.raises(ConverterMissingError, match=r"run `hanji setup-onnx2tf` once, or leave tflite out"):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=BOTH)
    assert not out.exists()
    assert not empty_cache.exists()


def test_one_format_says_how_to_get_both(
    path: Path, out: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(path, out)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "run `hanji setup-onnx2tf` once, then give --formats onnx,tflite" in last


@pytest.mark.parametrize(
    ("name", "formats", "message"),
    [
        ("colours.tflite", "onnx,tflite", "there is no converter from TFLite to ONNX"),
        ("colours.onnx", "onnx,tfjs", "expected some of tflite, onnx, found tfjs"),
        ("colours.onnx", "", "expected some of tflite, onnx, found"),
    ],
)
def test_formats_that_a_file_cannot_have(
    path: Path, out: Path, name: str, formats: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.with_name("colours.tflite").write_bytes(file("right"))
    assert main([*arguments(path.with_name(name), out), "--formats", formats]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_setup_installs_what_is_locked(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit; fi\n'
        'echo "$@" > "$(dirname "$0")/../arguments"\n'
        "[ -z \"$FAILS\" ] || { echo 'ERROR: no network' >&2; exit 1; }\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(HanjiError, match="pip install failed: ERROR: no network; check the network"):
        setup_onnx2tf.run(argparse.Namespace(force=False))
    assert list(environment_directory().parent.iterdir()) == []
    monkeypatch.delenv("FAILS")
    assert setup_onnx2tf.run(argparse.Namespace(force=False)) == 0
    given = (environment_directory() / "arguments").read_text()
    assert given.startswith("-m pip install --quiet --require-hashes --no-deps ")
    assert given.rstrip().endswith(f"-r {LOCK}")
    python.unlink()
    assert setup_onnx2tf.run(argparse.Namespace(force=False)) == 0  # already installed: nothing is run
    assert "already installed" in capsys.readouterr().out


@pytest.mark.usefixtures("real_converter")
@pytest.mark.parametrize("channels_first", [True, False])
def test_the_converter_itself(path: Path, out: Path, channels_first: bool) -> None:
    onnx_file(path, channels_first=channels_first)
    model = onnx.load(path)
    model.graph.input[0].name = model.graph.node[0].input[0] = "input:0"  # as tf2onnx names it
    onnx.save(model, path)
    summary = wrap_model(path, out, labels=LABELS, settings=SETTINGS, options=BOTH)
    assert [artifact.format for artifact in summary.artifacts] == ["onnx", "tflite"]
    assert colours(out, "onnxruntime") == colours(out, "litert") == ["red", "green", "blue"]
