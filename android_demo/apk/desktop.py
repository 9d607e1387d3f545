"""Runs the bytecode of an APK on a desktop, as a jar, with the engine's library for Linux."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from downloads import JAVACPP_TFLITE_LIBRARIES, BuildError, fetched
from kotlin import class_path, java
from tools import run

_DEBIAN_PYTHON = "/usr/bin/python3"
"""Debian's enjarify is a module of Debian's Python, so another Python on the PATH would not find it."""


def jar_of(apk: Path, target: Path) -> Path:
    """Convert the classes of ``apk`` to Java bytecode in the jar ``target``; BuildError if a class fails."""
    output = run(["enjarify", "--force", "--output", target, apk], PYTHON=_DEBIAN_PYTHON)
    if "0 classes had errors" not in output:
        raise BuildError(f"{apk}: enjarify could not convert all classes:\n{output[-2000:]}")
    return target


def unpack_assets(apk: Path, folder: Path) -> Path:
    """Extract the assets of ``apk`` to ``folder``, and return their directory."""
    with zipfile.ZipFile(apk) as archive:
        for name in archive.namelist():
            if name.startswith("assets/"):
                archive.extract(name, folder)
    return folder / "assets"


def run_on_jar(jar: Path, program: Path, arguments: Sequence[str | Path], stdin: str) -> str:
    """Run the Java source file ``program`` with the classes of ``jar`` and return its output.

    TensorFlow Lite's native library for Linux is beside the jar afterwards.
    """
    library = JAVACPP_TFLITE_LIBRARIES["linux-x86_64"]
    with zipfile.ZipFile(fetched([library])[library]) as package:
        for name in package.namelist():
            if name.endswith(".so"):
                (jar.parent / Path(name).name).write_bytes(package.read(name))
    # R8 lets constructors of superclasses initialize objects; ART accepts that, a JVM's verifier does not.
    command = [
        java(),
        "-Xmx1g",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-BytecodeVerificationRemote",
        f"-Djava.library.path={jar.parent}",
        "-cp",
        class_path([jar]),
    ]
    command += [str(program), *map(str, arguments)]
    done = subprocess.run(  # noqa: S603
        command, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{program.name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


__all__ = ["jar_of", "run_on_jar", "unpack_assets"]
