"""The small bundles that the runtime's ports, web_demo and android_demo, are tested with beside Python."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

NAMES = ("history", "users", "digits")
HANJI = Path(sys.executable).with_name("hanji")
RECIPES = Path(__file__).parent / "web"
LONGEST_S = 500


def build_bundles(root: Path) -> Path:
    """
    Builds ``NAMES`` in ``root``, each a folder with ``bundle``, ``full`` and all else of `hanji build`.

    Both ports' tests run at once in different processes: the first builds, the other waits for it.
    """
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in NAMES:
            if not (root / name).is_dir():
                _build(name, root)
    return root


def _build(name: str, root: Path) -> None:
    aside = root / f"{name}-unfinished"
    command = [str(HANJI), "build", str(RECIPES / f"{name}.toml"), "--out", str(aside)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, done.stderr[-3000:]
    aside.rename(root / name)
