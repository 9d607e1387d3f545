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
from downloads import KOTLIN_STDLIB, ONNXRUNTIME_JVM, fetched
from kotlin import compile_kotlin
from shrink import shrink, to_dex
from tools import run

APP = Path(__file__).resolve().parents[1] / "app"
MAIN = APP / "src/main"
PACKAGE = "hanji.demo"
VERSION_NAME, VERSION_CODE = "0.1.0", 1

_STDLIB_FILTER = "(!META-INF/**,!**.kotlin_builtins,!module-info.class)"
_ONNXRUNTIME_FILTER = "(ai/onnxruntime/**.class)"
# The 16-bit float conversions of the desktop package need classes that API 24 lacks.
_DESKTOP_FILTER = "(!ai/onnxruntime/platform/**,ai/onnxruntime/**.class)"
# Like the app, the measured core contains one engine only.
_ONE_ENGINE = "(!hanji/engines/Tflite**,**.class)"
_CORE_RULES = (
    "-keep public class hanji.** { public *; }",
    "-dontwarn ai.onnxruntime.**",
    "-keepattributes SourceFile,LineNumberTable",
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

    ``onnxruntime`` is a jar with ONNX Runtime's Java classes; the default is the equivalent desktop package.
    """
    out.mkdir(parents=True, exist_ok=True)
    linked, resources = _link(out)
    core = compile_core(out)
    newest = fetched([ANDROID_NEWEST])[ANDROID_NEWEST]
    app = compile_kotlin([MAIN / "kotlin"], [core, resources, newest], out / "app", "app")
    jars = fetched([KOTLIN_STDLIB, ONNXRUNTIME_JVM])
    stdlib = f"{jars[KOTLIN_STDLIB]}{_STDLIB_FILTER}"
    engine = (
        f"{onnxruntime or jars[ONNXRUNTIME_JVM]}{_ONNXRUNTIME_FILTER if onnxruntime else _DESKTOP_FILTER}"
    )
    rules = (APP / "proguard-rules.pro").read_text(encoding="utf-8").splitlines()
    rules += [] if onnxruntime else ["-dontwarn ai.onnxruntime.platform.**"]
    shrunk = shrink([app, core, resources, stdlib, engine], rules, out / "app.jar")
    core_jar = shrink([f"{core}{_ONE_ENGINE}", stdlib], _CORE_RULES, out / "core.jar")
    return Compiled(linked, to_dex(shrunk, out / "classes.dex"), to_dex(core_jar, out / "core.dex"))


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
