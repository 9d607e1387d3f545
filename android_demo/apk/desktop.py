"""Runs the bytecode of an APK here: its dex turned back into a jar, with the desktop's ONNX Runtime."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from downloads import ONNXRUNTIME_JVM, BuildError, fetched
from kotlin import class_path, java
from tools import run

_DEBIAN_PYTHON = "/usr/bin/python3"
"""Debian's enjarify is a module of Debian's Python; another one, first on the PATH, would not find it."""


def jar_of(apk: Path, target: Path) -> Path:
    """The classes of ``apk`` as Java bytecode in the jar ``target``; BuildError if one is not translated."""
    said = run(["enjarify", "--force", "--output", target, apk], PYTHON=_DEBIAN_PYTHON)
    if "0 classes had errors" not in said:
        raise BuildError(f"{apk}: enjarify could not translate all classes:\n{said[-2000:]}")
    return target


def unpack_assets(apk: Path, folder: Path) -> Path:
    """The assets as the app finds them, in ``folder``."""
    with zipfile.ZipFile(apk) as archive:
        for name in archive.namelist():
            if name.startswith("assets/"):
                archive.extract(name, folder)
    return folder / "assets"


def run_on_jar(jar: Path, program: Path, arguments: Sequence[str | Path], questions: str) -> str:
    """What the Java source file ``program`` prints with the classes of ``jar`` and ``questions`` as input."""
    engine = fetched([ONNXRUNTIME_JVM])[ONNXRUNTIME_JVM]
    command = [java(), "-Xmx1g", "-cp", class_path([jar, engine]), str(program), *map(str, arguments)]
    done = subprocess.run(  # noqa: S603
        command, input=questions, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{program.name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


__all__ = ["jar_of", "run_on_jar", "unpack_assets"]
