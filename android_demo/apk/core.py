"""Compiles the core and its tests, and runs the tests on the local JVM."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from downloads import (
    JAVACPP,
    JAVACPP_TFLITE,
    JAVACPP_TFLITE_LIBRARIES,
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
    """The Java classes of the engines, which the core is compiled against."""
    java_packages = [ONNXRUNTIME_JVM, JAVACPP, JAVACPP_TFLITE]
    jars = fetched([*java_packages, TFLITE, TFLITE_API])
    return [
        *map(jars.__getitem__, java_packages),
        *(classes_of(jars[aar], out / "lib") for aar in (TFLITE, TFLITE_API)),
    ]


def compile_core(out: Path) -> Path:
    """Compile the core to a directory under ``out``, without Android classes except for the engines."""
    return compile_kotlin([MAIN], engine_libraries(out), out / "core", "core")


def compile_tests(out: Path, core: Path) -> Path:
    """Compile the tests of the core, with access to its internals."""
    libraries = [*engine_libraries(out), *fetched(JUNIT).values()]
    return compile_kotlin([TESTS], libraries, out / "core-tests", "core_tests", friend=core)


def run_tests(
    out: Path, core: Sequence[Path], tests: Path, properties: Mapping[str, str], classes: Sequence[str] = ()
) -> str:
    """Run the test classes in ``tests`` on the classes in ``core`` and return the output of JUnit.

    ``properties`` are system properties with the locations of the bundles and of the results. ``classes``
    are names of test classes; all by default. ``core`` may also be the classes converted back from the dex of
    an APK. BuildError if a test fails.
    """
    names = list(classes) or sorted(f"hanji.{file.stem}" for file in (TESTS / "hanji").glob("*Test.kt"))
    jars = fetched([KOTLIN_STDLIB, JAVACPP_TFLITE_LIBRARIES["linux-x86_64"], *JUNIT])
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
