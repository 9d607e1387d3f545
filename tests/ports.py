"""The small bundles that the runtime's ports, web_demo and android_demo, are tested with against Python."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from .table_files import copy_with_table_files

BUILT = ("history", "users", "digits")
WITH_TABLE_FILES = {"history-tables": "history", "users-tables": "users"}
"""Copies of bundles, whose catalogues are small, with the table files of large ones."""
NAMES = (*BUILT, *WITH_TABLE_FILES)
HANJI = Path(sys.executable).with_name("hanji")
RECIPES = Path(__file__).parent / "web"
TIMEOUT_S = 500


def build_bundles(root: Path) -> Path:
    """Build ``NAMES`` in ``root``: one folder each, with the output of `hanji build`.

    The tests of both ports run in parallel processes: the first one builds, the others wait for it.
    """
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in BUILT:
            if not (root / name).is_dir():
                _build(name, root)
        for name, source in WITH_TABLE_FILES.items():
            if not (root / name).is_dir():
                unfinished = root / f"{name}-unfinished"
                copy_with_table_files(root / source / "bundle", unfinished / "bundle")
                unfinished.rename(root / name)
    return root


def _build(name: str, root: Path) -> None:
    unfinished = root / f"{name}-unfinished"
    command = [str(HANJI), "build", str(RECIPES / f"{name}.toml"), "--out", str(unfinished)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr[-3000:]
    unfinished.rename(root / name)
