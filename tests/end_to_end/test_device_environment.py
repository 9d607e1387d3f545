"""The device environment: the runtime wheel with one engine, installed in a separate environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The runtime wheel built by `make wheels`."""
    wheels = sorted((ROOT / "dist").glob("hanji_runtime-*.whl"))
    assert wheels, "expected dist/hanji_runtime-*.whl; run the tests with `make test`, which builds it"
    return wheels[-1]


@pytest.fixture(scope="module", params=["litert", "onnx"])
def device(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with only hanji-runtime[litert] or hanji-runtime[onnx]."""
    environment = tmp_path_factory.mktemp("device") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    requirement = f"hanji-runtime[{request.param}] @ {wheel.as_uri()}"
    command = [UV, "pip", "install", "--quiet", "--python", python, requirement]
    done = subprocess.run(command, capture_output=True, text=True, cwd=environment)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return environment / "bin"


def test_tensorflow_is_not_installed(device: Path) -> None:
    listed = subprocess.run(
        [UV, "pip", "list", "--format", "json", "--python", device / "python"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert {"hanji-runtime", "numpy"} <= names
    assert not {name for name in names if "tensorflow" in name or "keras" in name}


def test_only_the_runtime_commands_are_available(device: Path) -> None:
    output = subprocess.run([device / "hanji", "--help"], check=True, capture_output=True, text=True).stdout
    assert "recommend" in output and "verify" in output
    assert "train" not in output and "build" not in output


def test_it_verifies_and_recommends(device: Path, port_bundles: Path) -> None:
    bundle = port_bundles / "history" / "bundle"
    done = subprocess.run([device / "hanji", "verify", bundle], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [device / "hanji", "recommend", bundle, "--history", "7,31", "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["items"]) == 10


def test_the_wheel_is_small_and_contains_only_the_runtime(wheel: Path) -> None:
    assert wheel.stat().st_size < 150_000
    names = zipfile.ZipFile(wheel).namelist()
    assert "hanji/runtime/engines/operators.py" in names
    assert "hanji/__init__.py" not in names
    assert all(name.startswith(("hanji/runtime/", "hanji_runtime-")) for name in names)


def test_the_main_wheel_contains_the_three_stages_and_their_data() -> None:
    names = zipfile.ZipFile(sorted((ROOT / "dist").glob("hanji-*.whl"))[-1]).namelist()
    assert "hanji/__init__.py" not in names
    for expected in (
        "training/fitting/loop.py",
        "compression/classifiers/recipes/int8-qat.toml",
        "compression/recommenders/recipes/int8-qat.toml",
        "export/formats/tfjs_check/package.json",
    ):
        assert f"hanji/{expected}" in names
    assert not [name for name in names if name.startswith("hanji/runtime/")]
