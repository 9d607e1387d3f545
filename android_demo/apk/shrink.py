"""Converts class files to dex: ProGuard removes unused code and rewrites what dx does not support.

ProGuard uses API 24 as its library, regardless of what the app was compiled against, so references that it
cannot resolve do not exist in Android 7. The few that are guarded by a version check are listed in
``GUARDED``; any other one is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from apk_downloads import DX, MIN_SDK, PROGUARD
from downloads import ANDROID_24, BuildError, fetched
from kotlin import class_path, java
from tools import run

GUARDED = frozenset(
    {
        ("hanji.demo.MainActivity", "android.view.WindowInsets$Type"),
        ("hanji.demo.MainActivity", "android.graphics.Insets getInsets(int)"),
        ("hanji.demo.SelfTestScreen", "void setAccessibilityHeading(boolean)"),
    }
)
"""References to newer APIs that are guarded by a check of ``Build.VERSION.SDK_INT``: class and member."""

_MISSING = re.compile(
    r"Warning: (\S+): can't find referenced (?:class|method|field) '?([^'\n]+?)'?(?: in .*)?$", re.M
)
_JAVA = ("java.base", "java.logging")
# Names are kept, so that stack traces are readable and tests can call the code of the APK. Target 1.7 has no
# invokedynamic, which API 24 does not support.
_FIXED = (
    "-dontoptimize",
    "-dontobfuscate",
    "-dontnote",
    "-ignorewarnings",
    "-target 1.7",
    "-dontwarn org.jetbrains.annotations.**",
    "-dontwarn org.tensorflow.**",
)


def shrink(inputs: Sequence[str | Path], rules: Sequence[str], target: Path) -> Path:
    """Write the classes of ``inputs`` that ``rules`` keep, and their dependencies, to the jar ``target``.

    An input is a path, optionally followed by a ProGuard filter in parentheses. BuildError for references
    that do not exist in API 24.
    """
    jars = fetched([ANDROID_24, *PROGUARD])
    config = target.with_suffix(".pro")
    lines = [*_FIXED, *rules, *(f"-injars {_quoted(entry)}" for entry in inputs)]
    lines.append(f"-libraryjars {_quoted(jars[ANDROID_24])}")
    lines += [f"-libraryjars <java.home>/jmods/{name}.jmod(!**.jar;!module-info.class)" for name in _JAVA]
    lines.append(f"-outjars {_quoted(target)}")
    target.unlink(missing_ok=True)
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    programs = class_path([jars[part] for part in PROGUARD])
    output = run([java(), "-Xmx1500m", "-cp", programs, "proguard.ProGuard", f"@{config}"])
    _check_references(output)
    return target


def to_dex(jar: Path, target: Path) -> Path:
    """Convert ``jar`` to the dex file ``target``, in the format version of Android 7."""
    target.unlink(missing_ok=True)
    dx = fetched([DX])[DX]
    options = [f"--min-sdk-version={MIN_SDK}", f"--output={target}"]
    run([java(), "-Xmx1g", "-cp", str(dx), "com.android.dx.command.Main", "--dex", *options, str(jar)])
    return target


def missing_references(output: str) -> set[tuple[str, str]]:
    """The unresolved references (class, member) in the output of ProGuard."""
    return {(source, target) for source, target in _MISSING.findall(output)}


def _check_references(output: str) -> None:
    unknown = sorted(missing_references(output) - GUARDED)
    if unknown:
        lines = "\n".join(f"  {source}: {target}" for source, target in unknown)
        raise BuildError(
            f"not in Android {MIN_SDK} nor in the app:\n{lines}\n"
            "guard it with a check of Build.VERSION.SDK_INT and add it to GUARDED, or remove it"
        )


def _quoted(entry: str | Path) -> str:
    """A quoted path for ProGuard's configuration, followed by its filter."""
    path, bracket, rest = str(entry).partition("(")
    return f"'{path}'{bracket}{rest}"


__all__ = ["GUARDED", "missing_references", "shrink", "to_dex"]
