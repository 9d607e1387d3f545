"""Finding and installing TF.js for Node: never implicitly, and atomically."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from hanji.export.commands import setup_tfjs
from hanji.export.formats.tfjs_node import TfjsCall, TfjsMissingError, TfjsNode, find_tfjs, packages_directory
from hanji.training.errors import ConversionError, HanjiError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on the PATH, initially empty."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def add_program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_node_the_error_names_what_to_install(programs: Path) -> None:
    with pytest.raises(TfjsMissingError, match=r"Node\.js was not found.*install Node\.js 18 or newer"):
        find_tfjs()


def test_an_old_node_version_is_rejected(programs: Path) -> None:
    add_program(programs, "node", "echo v12.22.9")
    with pytest.raises(TfjsMissingError, match=r"expected Node\.js 18 or newer, found v12\.22\.9"):
        find_tfjs()


def test_without_the_packages_the_error_names_the_command_to_run(programs: Path, empty_cache: Path) -> None:
    add_program(programs, "node", "echo v20.0.0")
    with pytest.raises(TfjsMissingError, match="hanji setup-tfjs"):
        find_tfjs()
    assert not empty_cache.exists()


def test_setup_installs_atomically_with_npm(
    programs: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_program(programs, "node", "echo v20.0.0")
    add_program(programs, "npm", 'echo "$@" > arguments; /bin/mkdir node_modules')
    assert setup_tfjs.run(argparse.Namespace(force=False)) == 0
    assert (packages_directory() / "arguments").read_text() == "ci --ignore-scripts --no-audit --no-fund\n"
    assert find_tfjs().packages == packages_directory()
    assert [path.name for path in packages_directory().parent.iterdir()] == [packages_directory().name]
    add_program(programs, "npm", "exit 1")
    assert setup_tfjs.run(argparse.Namespace(force=False)) == 0  # already installed: npm is not called
    assert str(packages_directory()) in capsys.readouterr().out


def test_a_failed_install_leaves_nothing(programs: Path, empty_cache: Path) -> None:
    add_program(programs, "node", "echo v20.0.0")
    add_program(programs, "npm", "/bin/mkdir node_modules; echo 'npm error network is down' >&2; exit 1")
    with pytest.raises(HanjiError, match="npm ci failed: npm error network is down"):
        setup_tfjs.run(argparse.Namespace(force=False))
    assert list(packages_directory().parent.iterdir()) == []


def test_a_missing_npm_is_an_error(programs: Path, empty_cache: Path) -> None:
    add_program(programs, "node", "echo v20.0.0")
    with pytest.raises(TfjsMissingError, match="npm was not found"):
        setup_tfjs.run(argparse.Namespace(force=False))


def test_a_model_that_tfjs_rejects_is_a_clear_error(tfjs: TfjsNode) -> None:
    with pytest.raises(ConversionError, match="expected Node to run the model, but it failed: "):
        tfjs.run({"model.json": b'{"weightsManifest": []}'}, [TfjsCall({}, "scores")])
