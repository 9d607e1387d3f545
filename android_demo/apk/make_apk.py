"""Builds the demo app as a signed APK without Google's SDK, and checks the result.

    python android_demo/apk/make_apk.py [--recommender DIR] [--classifier DIR] [--aar FILE] [--out DIR]

All dependencies are from Maven Central and Debian. If Maven Central does not provide ONNX Runtime's Android
package, the APK is built without an engine: it is signed, checked and can be installed, but its screens
report that the engine is missing. Its file name contains "without-engine". Beside the APK lies its software
bill of materials (.cdx.json).
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
from downloads import KOTLIN_STDLIB, ONNXRUNTIME_JVM, BuildError, fetched
from gates import Gate, check
from kotlin import classes_of
from signing import sign
from tools import require

ROOT = Path(__file__).resolve().parents[2]
ABI = "arm64-v8a"
_PROGRAMS = ("java", "javac", "keytool", "mvn", "aapt2", "apksigner")
_NOT_FOUND = ("Could not find artifact", "was not found in")


@dataclass(frozen=True)
class Apk:
    """``unsigned`` is reproducible, ``path`` is signed; ``without_engine`` is why there is no engine."""

    path: Path
    unsigned: Path
    compiled: Compiled
    without_engine: str


def make_apk(out: Path, recommender: Path, classifier: Path, aar: Path | None = None) -> Apk:
    """Build and sign the APK in ``out``; BuildError if something is missing or rejected."""
    require(_PROGRAMS)
    engine, reason = _engine(aar)
    compiled = compile_app(out, classes_of(engine, out / "lib") if engine else None)
    files = {"classes.dex": compiled.dex.read_bytes()}
    files |= assets_of(recommender, "recommender", "recommendation")
    files |= assets_of(classifier, "classifier", "image-classification")
    files |= native_libraries(engine) if engine else {}
    name = "hanji-demo-arm64" if engine else "hanji-demo-without-engine"
    unsigned, signed = out / f"{name}-unsigned.apk", out / f"{name}.apk"
    write_apk(unsigned, compiled.linked, files)
    sign(unsigned, signed, MIN_SDK)
    # Without an engine, the APK contains the classes of the desktop package, which call it.
    parts = [KOTLIN_STDLIB, ONNXRUNTIME_ANDROID if engine else ONNXRUNTIME_JVM]
    signed.with_suffix(".cdx.json").write_bytes(bill_of_materials(signed, PACKAGE, VERSION_NAME, parts))
    return Apk(signed, unsigned, compiled, reason)


def native_libraries(aar: Path) -> dict[str, bytes]:
    """The native libraries of an Android package for ``ABI``, by their names in an APK."""
    with zipfile.ZipFile(aar) as package:
        prefix = f"jni/{ABI}/"
        names = [name for name in package.namelist() if name.startswith(prefix) and name.endswith(".so")]
        if not names:
            raise BuildError(f"{aar}: expected libraries in {prefix}, found none")
        return {f"lib/{ABI}/{name[len(prefix) :]}": package.read(name) for name in names}


def _engine(aar: Path | None) -> tuple[Path | None, str]:
    """ONNX Runtime's Android package, or None and the reason; only the pinned file is accepted."""
    if aar is None:
        try:
            return fetched([ONNXRUNTIME_ANDROID])[ONNXRUNTIME_ANDROID], ""
        except BuildError as error:
            if not any(text in str(error) for text in _NOT_FOUND):
                raise
            return None, f"{ONNXRUNTIME_ANDROID.file_name} was not found on Maven Central"
    if not aar.is_file() or _sha256(aar) != ONNXRUNTIME_ANDROID.sha256:
        raise BuildError(f"{aar}: expected the pinned {ONNXRUNTIME_ANDROID.file_name}, found something else")
    return aar, ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(apk: Apk, gates: list[Gate], seconds: float) -> str:
    """A report with one line per gate."""
    statuses = {True: "ok    ", False: "FAILED", None: "-     "}
    lines = [f"{statuses[gate.passed]} {gate.name}: {gate.found}" for gate in gates]
    lines.append(f"{apk.path} ({apk.path.stat().st_size:,} bytes) in {seconds:.0f} s")
    if apk.without_engine:
        lines.append(
            f"The APK has NO ENGINE: {apk.without_engine}; everything else is complete. "
            "If you have the file, pass it with --aar FILE."
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recommender", type=Path, default=ROOT / "out/demo/bundle")
    parser.add_argument("--classifier", type=Path, default=ROOT / "out/demo-digits/bundle")
    parser.add_argument("--aar", type=Path, help=f"your own copy of {ONNXRUNTIME_ANDROID.file_name}")
    parser.add_argument("--out", type=Path, default=ROOT / "out/android")
    given = parser.parse_args()
    start = time.monotonic()
    try:
        apk = make_apk(given.out.resolve(), given.recommender, given.classifier, given.aar)
        gates = check(apk.path, apk.compiled.core_dex)
    except (BuildError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(report(apk, gates, time.monotonic() - start))  # noqa: T201
    return 1 if any(gate.passed is False for gate in gates) else 0


if __name__ == "__main__":
    sys.exit(main())
