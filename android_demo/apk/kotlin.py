"""Compiles Kotlin for Android 7.0 (API 24) on any JDK."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from downloads import KOTLIN_COMPILER, KOTLIN_STDLIB, BuildError, fetched

# Lambdas are compiled to classes, because API 24 does not support invokedynamic. The Java 8 API is the
# closest to Android 7.0 that a JDK can target; tests check for classes that Android lacks. Null checks of
# arguments are disabled, because no Java code calls this; they would take a tenth of the dex.
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
    """The ``java`` command; BuildError if it is not installed."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise BuildError("Java is not installed; try: apt-get install openjdk-17-jdk-headless")
    return found


def java_home() -> Path:
    """The directory of the JDK whose ``java`` is used."""
    return Path(java()).resolve().parents[1]


def class_path(paths: Sequence[Path]) -> str:
    return os.pathsep.join(map(str, paths))


def classes_of(package: Path, directory: Path) -> Path:
    """Extract classes.jar of an Android package (.aar) to ``directory``."""
    target = directory / f"{package.stem}.jar"
    if not target.exists() or target.stat().st_mtime < package.stat().st_mtime:
        directory.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(package) as archive:
            target.write_bytes(archive.read("classes.jar"))
    return target


def compile_kotlin(
    sources: Sequence[Path], libraries: Sequence[Path], target: Path, module: str, friend: Path | None = None
) -> Path:
    """Compile all .kt files under ``sources`` to the directory ``target``, if they have changed.

    A second process that compiles to the same directory waits for the first one.
    ``friend`` is the directory of a module whose internals are visible, for tests. BuildError with the output
    of the compiler if it fails.
    """
    files = sorted(file for source in sources for file in source.rglob("*.kt"))
    if not files:
        raise BuildError(f"expected .kt files in {', '.join(map(str, sources))}, found none")
    jars = fetched(KOTLIN_COMPILER)
    paths = [*libraries, *([friend] if friend else []), jars[KOTLIN_STDLIB]]
    options = [*_FLAGS, "-module-name", module, "-classpath", class_path(paths)]
    options += [f"-Xfriend-paths={friend}"] if friend else []
    command = [java(), "-Xmx1g", "-cp", class_path(list(jars.values()))]
    command += ["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *options, "-d", str(target), *map(str, files)]
    digest = _digest(files, options, friend)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _compile(command, target, digest)
    return target


def _compile(command: Sequence[str], target: Path, digest: str) -> None:
    """Run the compiler unless ``target`` was compiled from inputs with this ``digest``."""
    stamp = target.parent / f"{target.name}.sha256"
    if target.is_dir() and stamp.is_file() and stamp.read_text() == digest:
        return
    shutil.rmtree(target, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    target.mkdir()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"the Kotlin compiler failed for {target.name}:\n{done.stdout}{done.stderr}")
    stamp.write_text(digest)


def _digest(files: Sequence[Path], options: Sequence[str], friend: Path | None) -> str:
    """A hash of all inputs of the compiler; pinned jars are represented by their names."""
    digest = hashlib.sha256("\n".join(options).encode())
    for file in files:
        digest.update(f"\n{file}\n".encode() + file.read_bytes())
    if friend is not None:
        digest.update((friend.parent / f"{friend.name}.sha256").read_bytes())
    return digest.hexdigest()


__all__ = ["class_path", "classes_of", "compile_kotlin", "java", "java_home"]
