"""Compiles the core, its tests, and runs them on this machine's JVM."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from downloads import (
    JUNIT,
    KOTLIN_STDLIB,
    ONNXRUNTIME_JVM,
    TFLITE,
    TFLITE_API,
    BuildError,
    fetched,
)
from kotlin import class_path, classes_of, compile_kotlin, java

CORE = Path(__file__).resolve().parents[1] / "core"
MAIN, TESTS = CORE / "src/main/kotlin", CORE / "src/test/kotlin"


def engine_libraries(out: Path) -> list[Path]:
    """The engines' Java classes that the core is compiled against."""
    jars = fetched([ONNXRUNTIME_JVM, TFLITE, TFLITE_API])
    return [jars[ONNXRUNTIME_JVM], *(classes_of(jars[aar], out / "lib") for aar in (TFLITE, TFLITE_API))]


def compile_core(out: Path) -> Path:
    """The core's classes in a directory under ``out``, compiled with nothing of Android's but the engines."""
    return compile_kotlin([MAIN], engine_libraries(out), out / "core", "core")


def compile_tests(out: Path, core: Path) -> Path:
    """The classes of the core's tests, which see its internals."""
    libraries = [*engine_libraries(out), *fetched(JUNIT).values()]
    return compile_kotlin([TESTS], libraries, out / "core-tests", "core_tests", friend=core)


def run_tests(
    out: Path, core: Sequence[Path], tests: Path, properties: Mapping[str, str], classes: Sequence[str] = ()
) -> str:
    """What JUnit said of the tests in ``tests``, run on the classes in ``core``; BuildError if one failed.

    ``properties`` are the system properties that tell them where bundles and answers lie. ``classes`` are
    their names; all of them for none. ``core`` may also be what the APK's dex was turned back into.
    """
    names = list(classes) or sorted(f"hanji.{file.stem}" for file in (TESTS / "hanji").glob("*Test.kt"))
    jars = fetched([KOTLIN_STDLIB, *JUNIT])
    paths = [*core, tests, *engine_libraries(out), *jars.values()]
    command = [java(), "-Xmx1g", "-cp", class_path(paths)]
    command += [f"-D{name}={value}" for name, value in properties.items()]
    done = subprocess.run(  # noqa: S603
        [*command, "org.junit.runner.JUnitCore", *names], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"tests of the core failed:\n{done.stdout}{done.stderr}")
    return done.stdout


__all__ = ["CORE", "MAIN", "TESTS", "compile_core", "compile_tests", "engine_libraries", "run_tests"]
