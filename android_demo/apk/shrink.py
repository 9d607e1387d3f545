"""From class files to dex: ProGuard drops what is not used and rewrites what dx cannot take, dx translates.

ProGuard sees Android's API 24 as its library, whatever the app was compiled against. A reference that it does
not find there is something that Android 7 does not have; the few that stand behind a check of the version are
listed in ``GUARDED``, and any other stops the build.
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
"""Who refers to what that API 24 lacks, behind a check of ``Build.VERSION.SDK_INT``."""

_MISSING = re.compile(
    r"Warning: (\S+): can't find referenced (?:class|method|field) '?([^'\n]+?)'?(?: in .*)?$", re.M
)
_JAVA = ("java.base", "java.logging")
# The names stay, so that a stack trace can be read and tests can call what is in the APK. 1.7 has no
# invokedynamic, which API 24 has not either.
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
    """The classes of ``inputs`` that ``rules`` keep and what those need, as the jar ``target``.

    An input is a path, with ProGuard's filter in brackets behind it. BuildError for a reference that API 24
    does not have.
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
    said = run([java(), "-Xmx1500m", "-cp", programs, "proguard.ProGuard", f"@{config}"])
    _check_references(said)
    return target


def to_dex(jar: Path, target: Path) -> Path:
    """``jar`` as the dex file ``target``, of the version that Android 7 reads."""
    target.unlink(missing_ok=True)
    dx = fetched([DX])[DX]
    options = [f"--min-sdk-version={MIN_SDK}", f"--output={target}"]
    run([java(), "-Xmx1g", "-cp", str(dx), "com.android.dx.command.Main", "--dex", *options, str(jar)])
    return target


def missing_references(said: str) -> set[tuple[str, str]]:
    """Who refers to what that is nowhere, out of what ProGuard said."""
    return {(who, what) for who, what in _MISSING.findall(said)}


def _check_references(said: str) -> None:
    unknown = sorted(missing_references(said) - GUARDED)
    if unknown:
        lines = "\n".join(f"  {who}: {what}" for who, what in unknown)
        raise BuildError(
            f"not in Android {MIN_SDK} nor in the app:\n{lines}\n"
            "put it behind a check of Build.VERSION.SDK_INT and list it in GUARDED, or do without it"
        )


def _quoted(entry: str | Path) -> str:
    """A path for ProGuard's configuration, its filter outside the quotes."""
    path, bracket, rest = str(entry).partition("(")
    return f"'{path}'{bracket}{rest}"


__all__ = ["GUARDED", "missing_references", "shrink", "to_dex"]
