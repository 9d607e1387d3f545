"""Builds the demo app as signed APKs without Google's SDK, and checks the results.

    python android_demo/apk/make_apk.py [--recommender DIR] [--classifier DIR] [--aar FILE] [--out DIR]

All dependencies are from Maven Central and Debian. The APKs, for arm64 devices and x86_64 emulators, contain
TensorFlow Lite. With a copy of ONNX Runtime's Android package, which Maven Central does not provide, the APK
contains that engine instead. Beside each APK lies its software bill of materials (.cdx.json).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from apk_downloads import MIN_SDK, ONNXRUNTIME_ANDROID
from app import PACKAGE, VERSION_NAME, Compiled, compile_app
from archive import write_apk
from assets import assets_of
from bill_of_materials import bill_of_materials
from downloads import (
    JAVACPP,
    JAVACPP_TFLITE,
    JAVACPP_TFLITE_LIBRARIES,
    KOTLIN_STDLIB,
    BuildError,
    Download,
    fetched,
)
from gates import Gate, check
from kotlin import classes_of
from signing import sign
from tools import require

ROOT = Path(__file__).resolve().parents[2]
ABIS = {"arm64": "arm64-v8a", "x86_64": "x86_64"}
"""Android's names of processors by those of the APKs."""
_PROGRAMS = ("java", "javac", "keytool", "mvn", "aapt2", "apksigner")


@dataclass(frozen=True)
class Apk:
    """``unsigned`` is reproducible, ``path`` is signed."""

    path: Path
    unsigned: Path
    compiled: Compiled


@dataclass(frozen=True)
class Engine:
    """A native library for an APK: the ``package`` that contains it, in ``folder``, and all ``parts``."""

    package: Path
    folder: str
    parts: tuple[Download, ...]


def make_apks(
    out: Path, recommender: Path, classifier: Path, aar: Path | None = None, work: Path | None = None
) -> list[Apk]:
    """Build and sign the APKs in ``out``; BuildError if something is missing or rejected.

    What is compiled is in ``work``, by default ``out``, and is used again by a later build.
    """
    work = work or out
    require(_PROGRAMS)
    onnxruntime = None if aar is None else classes_of(_pinned(aar), work / "lib")
    form, title = ("tflite", "hanji-demo") if aar is None else ("onnx", "hanji-demo-onnxruntime")
    files = assets_of(recommender, "recommender", "recommendation", form)
    files |= assets_of(classifier, "classifier", "image-classification", form)
    engines = _tflite() if aar is None else {"arm64": Engine(aar, "jni", (ONNXRUNTIME_ANDROID,))}
    compiled = compile_app(work, onnxruntime)
    files["classes.dex"] = compiled.dex.read_bytes()
    made = []
    for processor, engine in engines.items():
        libraries = native_libraries(engine.package, engine.folder, ABIS[processor])
        apk = Apk(out / f"{title}-{processor}.apk", out / f"{title}-{processor}-unsigned.apk", compiled)
        write_apk(apk.unsigned, compiled.linked, files | libraries)
        sign(apk.unsigned, apk.path, MIN_SDK)
        parts = bill_of_materials(apk.path, PACKAGE, VERSION_NAME, [KOTLIN_STDLIB, *engine.parts])
        apk.path.with_suffix(".cdx.json").write_bytes(parts)
        made.append(apk)
    return made


def native_libraries(package: Path, folder: str, abi: str) -> dict[str, bytes]:
    """The native libraries for ``abi`` in the ``folder`` of a package, by their names in an APK."""
    with zipfile.ZipFile(package) as archive:
        prefix = f"{folder}/{abi}/"
        names = [name for name in archive.namelist() if name.startswith(prefix) and name.endswith(".so")]
        if not names:
            raise BuildError(f"{package}: expected libraries in {prefix}, found none")
        return {f"lib/{abi}/{name[len(prefix) :]}": archive.read(name) for name in names}


def _tflite() -> dict[str, Engine]:
    libraries = {processor: JAVACPP_TFLITE_LIBRARIES[f"android-{processor}"] for processor in ABIS}
    jars = fetched(libraries.values())
    return {
        processor: Engine(jars[library], "lib", (JAVACPP, JAVACPP_TFLITE, library))
        for processor, library in libraries.items()
    }


def _pinned(aar: Path) -> Path:
    """ONNX Runtime's Android package; only the pinned file is accepted."""
    if not aar.is_file() or _sha256(aar) != ONNXRUNTIME_ANDROID.sha256:
        raise BuildError(f"{aar}: expected the pinned {ONNXRUNTIME_ANDROID.file_name}, found something else")
    return aar


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(apk: Apk, gates: list[Gate]) -> str:
    """A report with one line per gate."""
    statuses = {True: "ok    ", False: "FAILED", None: "-     "}
    lines = [f"{statuses[gate.passed]} {gate.name}: {gate.found}" for gate in gates]
    lines.append(f"{apk.path} ({apk.path.stat().st_size:,} bytes)")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recommender", type=Path, default=ROOT / "out/demo/bundle")
    parser.add_argument("--classifier", type=Path, default=ROOT / "out/demo-digits/bundle")
    parser.add_argument(
        "--aar", type=Path, help=f"build for ONNX Runtime: your own copy of {ONNXRUNTIME_ANDROID.file_name}"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out/android")
    given = parser.parse_args()
    start = time.monotonic()
    try:
        apks = make_apks(given.out.resolve(), given.recommender, given.classifier, given.aar)
        gates = {apk: check(apk.path, apk.compiled.core_dex) for apk in apks}
    except (BuildError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    for apk in apks:
        print(report(apk, gates[apk]))  # noqa: T201
    print(f"{time.monotonic() - start:.0f} s")  # noqa: T201
    return 1 if any(gate.passed is False for found in gates.values() for gate in found) else 0


if __name__ == "__main__":
    sys.exit(main())
