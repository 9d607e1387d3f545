"""Compiles the app: resources and manifest with aapt2, R with javac, Kotlin with kotlinc."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import framework_resources
from apk_downloads import ANDROID_NEWEST, MIN_SDK, TARGET_SDK
from core import compile_core
from downloads import JAVACPP, JAVACPP_TFLITE, KOTLIN_STDLIB, fetched
from kotlin import compile_kotlin
from shrink import Classes, to_dex
from tools import run

APP = Path(__file__).resolve().parents[1] / "app"
MAIN = APP / "src/main"
PACKAGE = "hanji.demo"
VERSION_NAME, VERSION_CODE = "0.1.0", 1

_KOTLIN = r"kotlin/.*"
_JAVACPP = r"org/bytedeco/.*"
_ONNXRUNTIME = r"ai/onnxruntime/.*"
# Like the app, the measured core contains one engine only.
_CORE_RULES = (
    "-keep public class !hanji.engines.**,hanji.** { public *; }",
    "-keep public class hanji.engines.JavacppTfliteFactory { public *; }",
    "-keep,allowshrinking class hanji.** { *; }",
)


@dataclass(frozen=True)
class Compiled:
    """``linked``: aapt2's zip with resources and manifest; ``dex``: the app; ``core_dex``: the public
    interface of the core with one engine and the required parts of the Kotlin library."""

    linked: Path
    dex: Path
    core_dex: Path


def compile_app(out: Path, onnxruntime: Path | None = None) -> Compiled:
    """Compile all code and resources of the APK in ``out``.

    ``onnxruntime`` is a jar with ONNX Runtime's Java classes; the app uses TensorFlow Lite without it.
    """
    out.mkdir(parents=True, exist_ok=True)
    linked, resources = _link(out)
    core = compile_core(out)
    jars = fetched([ANDROID_NEWEST, KOTLIN_STDLIB, JAVACPP, JAVACPP_TFLITE])
    variant = "tflite" if onnxruntime is None else "onnx"
    sources = [MAIN / "kotlin", APP / "src" / variant / "kotlin"]
    app = compile_kotlin(sources, [core, resources, jars[ANDROID_NEWEST]], out / f"app-{variant}", "app")
    kotlin = Classes(jars[KOTLIN_STDLIB], _KOTLIN)
    engine = [Classes(jars[part], _JAVACPP) for part in (JAVACPP, JAVACPP_TFLITE)]
    if onnxruntime is not None:
        engine = [Classes(onnxruntime, _ONNXRUNTIME)]
    rules = (APP / "proguard-rules.pro").read_text(encoding="utf-8").splitlines()
    own = [Classes(app), Classes(core), Classes(resources)]
    dex = to_dex([*own, kotlin, *engine], rules, out / "classes.dex")
    libraries = [jars[part] for part in (JAVACPP, JAVACPP_TFLITE)]
    core_dex = to_dex([Classes(core), kotlin], _CORE_RULES, out / "core.dex", libraries)
    return Compiled(linked, dex, core_dex)


def _link(out: Path) -> tuple[Path, Path]:
    """Link resources and manifest; return aapt2's zip and the directory with the class R."""
    compiled, linked, sources = out / "resources.zip", out / "linked.apk", out / "generated"
    classes = out / "resource-classes"
    run(["aapt2", "compile", "--dir", MAIN / "res", "-o", compiled])
    options = ["--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK)]
    options += ["--version-code", str(VERSION_CODE), "--version-name", VERSION_NAME]
    shutil.rmtree(sources, ignore_errors=True)
    options += ["-I", str(_framework(out)), "--manifest", str(_manifest(out)), "--java", str(sources)]
    run(["aapt2", "link", *options, "-o", linked, compiled])
    run(["javac", "-nowarn", "-Xlint:-options", "--release", "8", "-d", classes, *sources.rglob("R.java")])
    return linked, classes


def _framework(out: Path) -> Path:
    """Android's resources for aapt2, cached by the version of the jar and the code that converts them."""
    code = hashlib.sha256(Path(framework_resources.__file__).read_bytes()).hexdigest()[:12]
    target = out / f"framework-{ANDROID_NEWEST.version}-{code}.zip"
    if not target.exists():
        converted = framework_resources.for_aapt2(
            fetched([ANDROID_NEWEST])[ANDROID_NEWEST], target.with_suffix(".part")
        )
        converted.replace(target)
    return target


def _manifest(out: Path) -> Path:
    """Write the manifest with the package name, which Gradle inserts from its namespace."""
    text = (MAIN / "AndroidManifest.xml").read_text(encoding="utf-8")
    target = out / "AndroidManifest.xml"
    target.write_text(
        re.sub(r"<manifest ", f'<manifest package="{PACKAGE}" ', text, count=1), encoding="utf-8"
    )
    return target


__all__ = ["APP", "PACKAGE", "VERSION_NAME", "Compiled", "compile_app"]
