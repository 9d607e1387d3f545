"""Compiles Kotlin for Android 7.0 (API 24) on any JDK."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from downloads import KOTLIN_COMPILER, KOTLIN_STDLIB, BuildError, fetched

# Lambdas as classes: dx takes no invokedynamic, and API 24 has none. Java 8's classes are the nearest to
# Android 7.0's that a JDK can be asked for; tests look at what Android lacks of them. No checks of what Java
# hands over, because nothing in Java calls this; they would be a tenth of the dex.
_FLAGS = (
    "-jvm-target",
    "1.8",
    "-Xlambdas=class",
    "-Xsam-conversions=class",
    "-Xno-param-assertions",
    "-Xno-call-assertions",
    "-Xno-receiver-assertions",
    "-Xjdk-release=8",
    "-no-stdlib",
    "-no-reflect",
    "-Werror",
)


def java() -> str:
    """The ``java`` command; BuildError if there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise BuildError("no Java is here; try: apt-get install openjdk-17-jdk-headless")
    return found


def class_path(paths: Sequence[Path]) -> str:
    return os.pathsep.join(map(str, paths))


def classes_of(package: Path, directory: Path) -> Path:
    """The classes.jar of an Android package (.aar), taken out into ``directory``."""
    target = directory / f"{package.stem}.jar"
    if not target.exists() or target.stat().st_mtime < package.stat().st_mtime:
        directory.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(package) as archive:
            target.write_bytes(archive.read("classes.jar"))
    return target


def compile_kotlin(
    sources: Sequence[Path], libraries: Sequence[Path], target: Path, module: str, friend: Path | None = None
) -> Path:
    """The classes of all .kt files under ``sources`` in the directory ``target``, compiled if they changed.

    ``friend`` is the directory of a module whose internals are visible, as tests see those of what they test.
    BuildError with what the compiler said.
    """
    files = sorted(file for source in sources for file in source.rglob("*.kt"))
    if not files:
        raise BuildError(f"expected .kt files in {', '.join(map(str, sources))}, found none")
    jars = fetched(KOTLIN_COMPILER)
    paths = [*libraries, *([friend] if friend else []), jars[KOTLIN_STDLIB]]
    options = [*_FLAGS, "-module-name", module, "-classpath", class_path(paths)]
    options += [f"-Xfriend-paths={friend}"] if friend else []
    stamp = target.parent / f"{target.name}.sha256"
    digest = _digest(files, options, friend)
    if target.is_dir() and stamp.is_file() and stamp.read_text() == digest:
        return target
    shutil.rmtree(target, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    target.mkdir(parents=True)
    command = [java(), "-Xmx1g", "-cp", class_path(list(jars.values()))]
    command += ["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *options, "-d", str(target), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"the Kotlin compiler refused {module}:\n{done.stdout}{done.stderr}")
    stamp.write_text(digest)
    return target


def _digest(files: Sequence[Path], options: Sequence[str], friend: Path | None) -> str:
    """Of all that the result depends on; jars are pinned, so their names stand for them."""
    digest = hashlib.sha256("\n".join(options).encode())
    for file in files:
        digest.update(f"\n{file}\n".encode() + file.read_bytes())
    if friend is not None:
        digest.update((friend.parent / f"{friend.name}.sha256").read_bytes())
    return digest.hexdigest()


__all__ = ["class_path", "classes_of", "compile_kotlin", "java"]
