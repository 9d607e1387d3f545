"""Stands in for the converter from ONNX to TFLite, whose environment takes a minute to install."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest

from hanji.compression.classifiers.conversion import environment, onnx_to_tflite

from .left_out import missing, one_at_a_time


def stub_converter(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make ``directory`` the converter's environment, with ``script`` as its Python.

    The script is called with -I, the program, the ONNX file and the directory for the result as $4. It runs
    in this process's environment, without a child of its own.
    """
    monkeypatch.setattr(environment, "environment_directory", lambda: directory)
    python = directory / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)

    def call(function: str, arguments: dict[str, Any], **_: object) -> None:
        assert function.endswith("onnx_to_tflite:run_converter")
        onnx_to_tflite.run_converter(**arguments)

    monkeypatch.setattr(onnx_to_tflite, "call_in_child", call)


def gives_file(path: Path) -> str:
    """The script of a converter that makes the same file of everything."""
    return f'cp {path} "$4/model_float32.tflite"'


@functools.cache
def _installed() -> bool:
    """Whether there is the real converter; in CI, it is installed first."""
    if not environment.has_converter() and os.environ.get("CI"):
        with one_at_a_time("onnx2tf"):
            if not environment.has_converter():
                environment.install_converter()
    return environment.has_converter()


@pytest.fixture
def real_converter() -> None:
    """The converter itself; without it, the test is skipped."""
    if not _installed():
        missing("onnx2tf is not installed; run `hanji setup-onnx2tf`")
