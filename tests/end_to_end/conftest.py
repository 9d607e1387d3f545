"""The demo, built once with the command from the README."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HANJI = Path(sys.executable).with_name("hanji")


Hanji = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def hanji() -> Hanji:
    """A function that runs the `hanji` command of this environment with the given arguments."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(HANJI), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=500, **options)

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The output directory of `make demo`, and its standard output."""
    out = tmp_path_factory.mktemp("demo") / "out"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "demo", f"OUT={out}"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out, done.stdout
