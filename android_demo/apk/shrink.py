"""Converts class files to dex with R8, without unused code.

R8's library is API 24, regardless of what the app was compiled against. R8 notices missing classes only, so
its companion TraceReferences then looks up every class, method and field that the dex refers to: what it does
not find does not exist in Android 7. The few that are guarded by a version check are listed in ``GUARDED``;
any other one is an error.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from apk_downloads import MIN_SDK, R8
from downloads import ANDROID_24, BuildError, fetched
from kotlin import java, java_home
from tools import run

_INSETS = (
    "android.view.WindowInsets hanji.demo.MainActivity.keepClearOfBars(android.view.View, "
    "android.view.WindowInsets)"
)
_HEADING = "void hanji.demo.SelfTestScreen.add(java.lang.String, int)"
GUARDED = frozenset(
    {
        (_INSETS, "android.view.WindowInsets$Type"),
        (_INSETS, "android.view.WindowInsets$Type.displayCutout()"),
        (_INSETS, "android.view.WindowInsets$Type.ime()"),
        (_INSETS, "android.view.WindowInsets$Type.systemBars()"),
        (_INSETS, "android.view.WindowInsets.getInsets(int)"),
        (_HEADING, "android.widget.TextView.setAccessibilityHeading(boolean)"),
    }
)
"""References to newer APIs that a check of ``Build.VERSION.SDK_INT`` guards: only place, reference."""
_OPTIONAL = "org.slf4j."
"""A package that JavaCPP only uses if a system property asks for it."""
_MISSING = re.compile(r"Missing (class|method|field) (.+?) \(referenced from: (.+)\)$", re.M)

# Names are kept, so that stack traces are readable and tests can call the code of the APK. R8 stops at
# missing classes, so those that check_references judges are exempted.
_FIXED = (
    "-dontobfuscate",
    "-keepattributes SourceFile,LineNumberTable",
    "-dontwarn org.jetbrains.annotations.**",
    "-dontwarn android.view.WindowInsets$Type",
)
_R8 = "com.android.tools.r8.R8"
_TRACE = "com.android.tools.r8.tracereferences.TraceReferences"
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Classes:
    """The class files in a directory or jar whose names, such as "hanji/Json.class", match ``pattern``."""

    path: Path
    pattern: str = r"(?!META-INF/|module-info).*"

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents, sorted by name."""
        for name, content in self._all():
            if name.endswith(".class") and re.fullmatch(self.pattern, name):
                yield name, content

    def _all(self) -> Iterator[tuple[str, bytes]]:
        if self.path.is_dir():
            for file in sorted(self.path.rglob("*.class")):
                yield file.relative_to(self.path).as_posix(), file.read_bytes()
            return
        with zipfile.ZipFile(self.path) as jar:
            for name in sorted(jar.namelist()):
                yield name, jar.read(name)


def to_dex(
    inputs: Sequence[Classes], rules: Sequence[str], target: Path, libraries: Sequence[Path] = ()
) -> Path:
    """Write what ``rules`` (in ProGuard's language) keep of ``inputs``, and its needs, to a dex ``target``.

    ``libraries`` are jars whose classes exist elsewhere. BuildError for references that API 24 lacks.
    """
    jar, output, config = (target.with_suffix(suffix) for suffix in (".jar", ".zip", ".pro"))
    _write_jar(inputs, jar)
    config.write_text("\n".join([*_FIXED, *rules]) + "\n", encoding="utf-8")
    output.unlink(missing_ok=True)
    options = ["--release", "--min-api", str(MIN_SDK), "--no-data-resources", "--pg-conf", config]
    run([*_r8(), _R8, *options, *_libraries(libraries), "--output", output, jar])
    with zipfile.ZipFile(output) as archive:
        names = archive.namelist()
        if names != ["classes.dex"]:
            raise BuildError(f"{output}: expected one dex file, found {', '.join(names)}")
        target.write_bytes(archive.read("classes.dex"))
    check_references(target, libraries)
    return target


def check_references(dex: Path, libraries: Sequence[Path] = ()) -> None:
    """BuildError if the dex refers to something that is not in itself, in API 24 or in ``GUARDED``."""
    # It fails if there is any, so the references are those in its messages, which are errors otherwise.
    levels = ["--map-diagnostics", "error", "info"]
    output = run([*_r8(), _TRACE, "--check", *levels, *_libraries(libraries), "--source", dex])
    unknown = sorted(missing_references(output) - GUARDED)
    if unknown:
        lines = "\n".join(f"  {place}: {reference}" for place, reference in unknown)
        raise BuildError(
            f"not in Android {MIN_SDK} nor in the app:\n{lines}\n"
            "guard it with a check of Build.VERSION.SDK_INT and add it to GUARDED, or remove it"
        )


def missing_references(output: str) -> set[tuple[str, str]]:
    """The unresolved references (place, class or member) in the output of TraceReferences.

    A place is the signature of a method; " and 2 other contexts" follows it if there are more.
    """
    found = set()
    for kind, text, place in _MISSING.findall(output):
        reference = text if kind == "class" else text.partition(" ")[2]
        if not reference.startswith(_OPTIONAL):
            found.add((place, reference))
    return found


def _r8() -> list[str | Path]:
    """The start of a command. With the JVM's quick compiler alone, it takes half of the CPU time."""
    return [java(), "-Xmx1500m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", fetched([R8])[R8]]


def _libraries(others: Sequence[Path]) -> list[str]:
    paths = [fetched([ANDROID_24])[ANDROID_24], java_home(), *others]
    return [argument for path in paths for argument in ("--lib", str(path))]


def _write_jar(inputs: Sequence[Classes], target: Path) -> None:
    with zipfile.ZipFile(target, "w") as jar:
        for classes in inputs:
            for name, content in classes.files():
                jar.writestr(zipfile.ZipInfo(name, _TIME), content)


__all__ = ["GUARDED", "Classes", "check_references", "missing_references", "to_dex"]
