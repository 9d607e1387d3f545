"""Release criteria for an APK, measured on the finished, signed file."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from apk_downloads import MIN_SDK, TARGET_SDK
from app import PACKAGE, VERSION_NAME
from archive import LIBRARY_ALIGNMENT, entries
from dex import Dex, read_dex
from downloads import BuildError
from elf import MACHINES, PAGE, read_library
from tools import run

LARGEST_CORE_DEX = 250_000
LARGEST_ASSETS = 1_000_000
LARGEST_APK = 6_000_000
LARGEST_ONNXRUNTIME_APK = 20_000_000
LOCALES = ("--_--", "ko")

_TRACKERS = re.compile(
    rb"firebase|crashlytics|google-analytics|app-measurement|appcenter|events\.data\.microsoft|"
    rb"vortex\.data\.microsoft|mobile\.pipe\.aria|browser\.pipe\.aria|in\.applicationinsights|sentry\.io|"
    rb"ORT_DISABLE_TELEMETRY|1DSTelemetry|MicrosoftApplications",
    re.IGNORECASE,
)
"""Hosts and classes of telemetry; ORT_DISABLE_TELEMETRY exists since ONNX Runtime 1.29, which added it."""
_NETWORK = re.compile(rb"\0(getaddrinfo|connect|socket|sendto|sendmsg)(?=\0)")
"""Functions that a library imports in order to send anything."""
_TRACKING_CLASS = re.compile(r"telemetry|analytics|crashlytics|firebase|tracking", re.IGNORECASE)
_HOST = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Gate:
    """A criterion; ``passed`` is None if there was nothing to measure, ``found`` describes the result."""

    name: str
    passed: bool | None
    found: str


def check(apk: Path, core_dex: Path) -> list[Gate]:
    """Measure all gates; a failed gate does not stop the others."""
    dexes = _dexes(apk)
    libraries = _libraries(apk)
    return [
        _signature(apk),
        *_badging(apk),
        _invoke_custom(dexes),
        _no_telemetry_in_dex(dexes),
        _no_telemetry_in_libraries(libraries),
        _assets_stored(apk),
        _libraries_in_zip(apk),
        _libraries_in_elf(libraries),
        _at_most("dex of the core", core_dex.stat().st_size, LARGEST_CORE_DEX),
        _at_most("assets", _size(apk, "assets/"), LARGEST_ASSETS),
        _apk_size(apk, libraries),
    ]


def _signature(apk: Path) -> Gate:
    try:
        output = run(["apksigner", "verify", "--verbose", "--min-sdk-version", str(MIN_SDK), apk])
    except BuildError as error:
        return Gate("signature", False, str(error))
    schemes = re.findall(r"Verified using (v[234]) scheme[^:]*: true", output)
    return Gate("signature", "v2" in schemes, f"verifies, {', '.join(schemes)}")


def _badging(apk: Path) -> list[Gate]:
    output = run(["aapt2", "dump", "badging", apk])
    permissions = re.findall(r"uses-permission(?:-sdk-\d+)?: name='([^']+)'", output)
    expected = {
        "package": PACKAGE,
        "versionName": VERSION_NAME,
        "sdkVersion": str(MIN_SDK),
        "targetSdkVersion": str(TARGET_SDK),
        "launchable-activity": f"{PACKAGE}.MainActivity",
        "locales": " ".join(LOCALES),
    }
    found = _badges(output)
    wrong = [
        f"{key}: expected {value}, found {found.get(key)}"
        for key, value in expected.items()
        if found.get(key) != value
    ]
    if "application-debuggable" in output:
        wrong.append("debuggable")
    summary = f"{PACKAGE} {VERSION_NAME}, API {MIN_SDK} to {TARGET_SDK}, languages en ko"
    return [
        Gate("badging", not wrong, "; ".join(wrong) or summary),
        Gate("no permission", not permissions, ", ".join(permissions) or "none, not even INTERNET"),
    ]


def _badges(output: str) -> dict[str, str]:
    patterns = {
        "package": r"^package: name='([^']*)'",
        "versionName": r"versionName='([^']*)'",
        "sdkVersion": r"^sdkVersion:'([^']*)'",
        "targetSdkVersion": r"^targetSdkVersion:'([^']*)'",
        "launchable-activity": r"^launchable-activity: name='([^']*)'",
    }
    found = {
        key: match[1] for key, pattern in patterns.items() if (match := re.search(pattern, output, re.M))
    }
    locales = re.search(r"^locales: (.*)$", output, re.M)
    return found | {"locales": " ".join(re.findall(r"'([^']+)'", locales[1])) if locales else ""}


def _dexes(apk: Path) -> dict[str, Dex]:
    with zipfile.ZipFile(apk) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dex")]
        return {name: read_dex(archive.read(name), name) for name in names}


def _libraries(apk: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(apk) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".so")}


def _invoke_custom(dexes: dict[str, Dex]) -> Gate:
    sites = sum(dex.call_sites for dex in dexes.values())
    versions = sorted({dex.version for dex in dexes.values()})
    good = bool(dexes) and not sites and all(version <= 37 for version in versions)
    return Gate("no invoke-custom", good, f"{sites} call sites, dex {', '.join(map(str, versions))}")


def _no_telemetry_in_dex(dexes: dict[str, Dex]) -> Gate:
    found = {name for dex in dexes.values() for name in dex.classes if _TRACKING_CLASS.search(name)}
    for text in (text for dex in dexes.values() for text in dex.strings):
        if _HOST.search(text) or _TRACKERS.search(text.encode("utf-8", "replace")):
            found.add(text)
    count = sum(len(dex.classes) for dex in dexes.values())
    return Gate(
        "no telemetry in dex", not found, ", ".join(sorted(found)) or f"no host, none of {count} classes"
    )


def _no_telemetry_in_libraries(libraries: dict[str, bytes]) -> Gate:
    name = "no telemetry in libraries"
    if not libraries:
        return Gate(name, None, "no native libraries")
    found = {
        f"{path}: {match.decode()}"
        for path, content in libraries.items()
        for match in _TRACKERS.findall(content) + _NETWORK.findall(content)
    }
    return Gate(name, not found, ", ".join(sorted(found)) or f"{len(libraries)} libraries searched")


def _assets_stored(apk: Path) -> Gate:
    infos = [info for info, _ in entries(apk) if info.filename.startswith("assets/")]
    packed = [info.filename for info in infos if info.compress_type != zipfile.ZIP_STORED]
    return Gate("assets stored", bool(infos) and not packed, ", ".join(packed) or f"{len(infos)} files")


def _libraries_in_zip(apk: Path) -> Gate:
    name = "libraries stored with 16 KB alignment in the zip"
    found = [(info, at) for info, at in entries(apk) if info.filename.endswith(".so")]
    if not found:
        return Gate(name, None, "no native libraries")
    wrong = [
        f"{info.filename}: at {at}" + (", compressed" if info.compress_type else "")
        for info, at in found
        if info.compress_type != zipfile.ZIP_STORED or at % LIBRARY_ALIGNMENT
    ]
    return Gate(name, not wrong, "; ".join(wrong) or ", ".join(Path(info.filename).name for info, _ in found))


def _libraries_in_elf(libraries: dict[str, bytes]) -> Gate:
    name = "libraries aligned to 16 KB in ELF"
    if not libraries:
        return Gate(name, None, "no native libraries")
    read = {path: read_library(content, path) for path, content in libraries.items()}
    wrong = [
        f"{path}: machine {library.machine}, aligned to {library.alignment}"
        for path, library in read.items()
        if library.machine != MACHINES.get(Path(path).parent.name) or library.alignment % PAGE
    ]
    return Gate(name, not wrong, "; ".join(wrong) or ", ".join(str(item.alignment) for item in read.values()))


def _apk_size(apk: Path, libraries: dict[str, bytes]) -> Gate:
    """Stores compress APKs for download, so uncompressed libraries only affect the size of the file."""
    size = apk.stat().st_size
    savings = sum(len(content) - len(zlib.compress(content, 9)) for content in libraries.values())
    has_tflite = any(Path(path).name == "libjnitensorflowlite.so" for path in libraries)
    limit = LARGEST_APK if has_tflite else LARGEST_ONNXRUNTIME_APK
    gate = _at_most("APK download size", size - savings, limit)
    return Gate(gate.name, gate.passed if libraries else None, f"{gate.found}; the file: {size:,} bytes")


def _at_most(name: str, size: int, limit: int) -> Gate:
    return Gate(name, size <= limit, f"{size:,} of {limit:,} bytes")


def _size(apk: Path, prefix: str) -> int:
    return sum(info.file_size for info, _ in entries(apk) if info.filename.startswith(prefix))


__all__ = ["LARGEST_APK", "LARGEST_ASSETS", "LARGEST_CORE_DEX", "Gate", "check"]
