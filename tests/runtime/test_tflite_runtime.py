"""The real tflite-runtime in a separate environment: it needs numpy 1 and a supported Python version."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """\
import json, sys, warnings
import numpy as np
from hanji.runtime import Classifier
warnings.simplefilter("error")
options = json.loads(sys.argv[2])
with Classifier.open(sys.argv[1], **options) as classifier:
    first = classifier.probabilities(np.zeros((8, 8, 3), np.uint8)).tolist()
    second = classifier.probabilities(np.zeros((8, 8, 3), np.uint8)).tolist()
    tested = classifier.self_test().passed if "delegate" not in options else None
    placement = classifier.placement.as_json()
print(json.dumps({"first": first, "second": second, "tested": tested, "placement": placement}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python environment with only tflite-runtime and numpy 1."""
    if sys.version_info >= (3, 12) or platform.system() != "Linux":
        pytest.skip("tflite-runtime has no wheel for this Python")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(uv).exists():
        pytest.skip("uv, which creates the environment, is not installed")
    environment = tmp_path_factory.mktemp("tflite_runtime") / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    found = environment / "bin" / "python"
    command = [uv, "pip", "install", "--quiet", "--python", found, "tflite-runtime>=2.14,<3", "numpy<2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=environment)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture
def supported_bundle(make_image_parts: Callable[..., Any], tmp_path: Path) -> Path:
    parts = make_image_parts("tflite")
    parts.manifest["artifacts"][0]["engines"].append({"name": "tflite-runtime", "oldest_version": "2.14.0"})
    return parts.write(tmp_path / "bundle")


def run(python: Path, bundle: Path, **options: Any) -> Any:
    done = subprocess.run(
        [python, "-c", PROGRAM, bundle, json.dumps(options)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "runtime")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_self_test_passes(python: Path, supported_bundle: Path) -> None:
    found = run(python, supported_bundle)
    assert found["tested"] is True
    assert found["placement"]["engine"] == "tflite-runtime"
    assert list(found["placement"]["operators"]) == ["cpu"]


def test_it_runs_delegates(python: Path, supported_bundle: Path, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc, which builds the stub delegate, is not installed")
    library = str(tmp_path / "libstub.so")
    source = Path(__file__).with_name("stub_delegate.c")
    subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", library, source], check=True
    )

    def run_with(mode: str) -> Any:
        options = {"mode": mode, "fill": "1"}
        return run(python, supported_bundle, delegate=library, delegate_options=options, policy="allow")

    reference = run(python, supported_bundle)["first"]
    delegated = run_with("all")
    assert np.array(delegated["first"], np.float32).view(np.uint8).tolist() == [1] * 16
    assert delegated["placement"]["got"] == [library]
    assert delegated["placement"]["fallbacks"] == []
    for mode in ("none", "refuse", "null", "prepare", "invoke"):
        found = run_with(mode)
        assert found["first"] == found["second"] == reference
        assert found["placement"]["got"] == []
        assert len(found["placement"]["fallbacks"]) == 1
    assert run_with("one")["placement"]["operators"][library] == 1
