"""Tests of the app's resources and of its build scripts that need no JDK."""

from __future__ import annotations

import re
import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from .conftest import ANDROID, BUILD

sys.path.insert(0, str(BUILD))

import apk_downloads
import dex
import downloads
import elf
import framework_resources
import gates
import shrink

MAIN = ANDROID / "app/src/main"
RES = MAIN / "res"
KOTLIN = sorted((ANDROID / "app/src").rglob("*.kt"))
LAYOUTS = sorted((RES / "layout").glob("*.xml"))
NAMESPACE = "{http://schemas.android.com/apk/res/android}"
PLACEHOLDER = re.compile(r"%\d+\$[.\d]*[sdfg]|%d")


def tree(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 (this repository's own files)


def strings(folder: str) -> dict[str, list[str]]:
    """The placeholders of each string resource, by name; for plurals, those of all forms."""
    root = tree(RES / folder / "strings.xml")
    return {item.attrib["name"]: sorted(set(PLACEHOLDER.findall("".join(item.itertext())))) for item in root}


def test_english_and_korean_have_the_same_strings() -> None:
    assert strings("values") == strings("values-ko")


def test_strings_are_defined_and_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in KOTLIN)
    layouts = "\n".join(path.read_text(encoding="utf-8") for path in [*LAYOUTS, MAIN / "AndroidManifest.xml"])
    used = set(re.findall(r"R\.(?:string|plurals)\.(\w+)", code)) | set(re.findall(r"@string/(\w+)", layouts))
    assert used == set(strings("values"))


def colours(folder: str) -> dict[str, str]:
    root = tree(RES / folder / "colors.xml")
    return {item.attrib["name"]: item.text or "" for item in root if item.tag == "color"}


def luminance(colour: str) -> float:
    levels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [level / 12.92 if level <= 0.03928 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("folder", ["values", "values-night"])
@pytest.mark.parametrize("name", ["accent", "ink", "quiet"])
def test_text_contrast(folder: str, name: str) -> None:
    light, dark = sorted((luminance(colours(folder)[key]) for key in (name, "paper")), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_night_theme_defines_all_colours() -> None:
    assert set(colours("values-night")) == set(colours("values")) - {"navigation_bar"}


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_views_have_labels_for_talkback(path: Path) -> None:
    for view in tree(path).iter():
        if view.tag in ("ImageView", "ImageButton", "hanji.demo.DrawingView"):
            assert view.get(f"{NAMESPACE}contentDescription")
        if view.tag in ("EditText", "AutoCompleteTextView"):
            assert view.get(f"{NAMESPACE}hint")
        if view.tag == "Button" and path.stem != "title_row":
            assert view.get(f"{NAMESPACE}text")
        if view.get("style") == "@style/Heading":
            assert view.get(f"{NAMESPACE}accessibilityHeading") == "true"


@pytest.mark.parametrize("name", ["recommend", "classify", "self_test"])
def test_each_screen_has_a_live_region(name: str) -> None:
    views = tree(RES / "layout" / f"{name}.xml").iter()
    live = [view for view in views if view.get(f"{NAMESPACE}accessibilityLiveRegion") == "polite"]
    assert [view.get(f"{NAMESPACE}id") for view in live] == [f"@+id/{name}_status"]


def test_the_manifest_requests_no_permissions_and_disables_backups() -> None:
    root = tree(MAIN / "AndroidManifest.xml")
    assert not [child.tag for child in root if child.tag.startswith("uses-permission")]
    application = root.find("application")
    assert application is not None
    assert application.get(f"{NAMESPACE}allowBackup") == "false"
    for transfer in tree(RES / "xml/data_extraction_rules.xml"):
        excluded = {item.get("domain") for item in transfer if item.tag == "exclude"}
        assert excluded == {"root", "file", "database", "sharedpref", "external"}


def test_only_the_self_test_logs() -> None:
    for path in KOTLIN:
        text = path.read_text(encoding="utf-8")
        assert ("Log." in text) == (path.stem == "SelfTestState"), path
        assert not re.search(r"println|printStackTrace|java\.net\.|HttpURLConnection|WebView", text), path


def test_both_builds_use_the_same_versions() -> None:
    catalogue = (ANDROID / "gradle/libs.versions.toml").read_text(encoding="utf-8")
    versions = dict(re.findall(r'^([\w-]+) = "([^"]+)"$', catalogue, re.M))
    assert versions["kotlin"] == downloads.KOTLIN
    assert versions["onnxruntime"] == apk_downloads.ONNXRUNTIME_ANDROID.version
    assert versions["onnxruntime"] == downloads.ONNXRUNTIME_JVM.version
    assert versions["tensorflow-lite"] == downloads.TFLITE.version
    assert versions["javacpp"] == downloads.JAVACPP.version
    assert versions["javacpp-tensorflow-lite"] == downloads.JAVACPP_TFLITE.version
    assert versions["min-sdk"] == str(apk_downloads.MIN_SDK)
    assert versions["compile-sdk"] == versions["target-sdk"] == str(apk_downloads.TARGET_SDK)


def library(alignment: int, machine: int = 183) -> bytes:
    """An ELF header with one loadable segment."""
    start = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return start + header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 0, 0, alignment)


def test_only_libraries_for_their_processor_and_16_kb_pages_are_accepted() -> None:
    arm, intel = "lib/arm64-v8a/a.so", "lib/x86_64/a.so"
    large, larger, small = library(0x4000), library(0x10000), library(0x1000)
    assert gates._libraries_in_elf({arm: large, "lib/arm64-v8a/b.so": larger}).passed is True
    assert gates._libraries_in_elf({arm: large, "lib/arm64-v8a/b.so": small}).passed is False
    assert gates._libraries_in_elf({arm: library(0x4000, machine=62)}).passed is False
    assert gates._libraries_in_elf({intel: library(0x4000, machine=62)}).passed is True
    assert gates._libraries_in_elf({intel: large}).passed is False
    assert gates._libraries_in_elf({"lib/x86/a.so": large}).passed is False
    assert gates._libraries_in_elf({}).passed is None


@pytest.mark.parametrize("content", [b"", b"\x7fELF", library(0x4000)[:80], b"PK" * 50])
def test_truncated_libraries_are_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"a\.so"):
        elf.read_library(content, "a.so")


def test_telemetry_in_libraries_is_detected() -> None:
    clean, telemetry = b"\0ai.onnx.ml\0", b"\0https://mobile.events.data.microsoft.com/OneCollector\0"
    assert gates._no_telemetry_in_libraries({"a.so": clean}).passed is True
    assert gates._no_telemetry_in_libraries({"a.so": clean, "b.so": telemetry}).passed is False
    assert gates._no_telemetry_in_libraries({"a.so": b"ORT_DISABLE_TELEMETRY"}).passed is False
    assert gates._no_telemetry_in_libraries({"a.so": b"\0strlen\0socket\0"}).passed is False
    assert gates._no_telemetry_in_libraries({"a.so": b"\0webSocket\0sockets\0"}).passed is True


@pytest.mark.parametrize(
    ("strings", "classes"),
    [(("https://example.org",), ()), ((), ("Lcom/example/Analytics;",)), (("app-measurement.com",), ())],
)
def test_telemetry_in_dex_is_detected(strings: tuple[str, ...], classes: tuple[str, ...]) -> None:
    assert gates._no_telemetry_in_dex({"d": dex.Dex(37, strings, classes, 0)}).passed is False
    assert gates._no_telemetry_in_dex({"d": dex.Dex(37, ("ids",), ("Lhanji/Item;",), 0)}).passed is True


def test_invoke_custom_is_detected() -> None:
    assert gates._invoke_custom({"d": dex.Dex(37, (), (), 0)}).passed is True
    assert gates._invoke_custom({"d": dex.Dex(38, (), (), 1)}).passed is False
    assert gates._invoke_custom({}).passed is False


@pytest.mark.parametrize("content", [b"", b"dex\n", b"dex\n037\0" + bytes(90), b"dex\n037\0" + b"\xff" * 104])
def test_truncated_dex_files_are_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"classes\.dex"):
        dex.read_dex(content, "classes.dex")


def test_missing_references_are_parsed() -> None:
    output = (
        "Info: Missing class c.D (referenced from: void a.B.f())\n"
        "Missing method int c.F.e(int, a.B) (referenced from: void a.B.f(int, int) and 2 other contexts)\n"
        "Missing field c.F c.D.g (referenced from: c.F a.B.h)\n"
        "Missing class org.slf4j.Logger (referenced from: void a.Optional.f())\n"
        "Compilation failed\n"
    )
    assert shrink.missing_references(output) == {
        ("void a.B.f()", "c.D"),
        ("void a.B.f(int, int) and 2 other contexts", "c.F.e(int, a.B)"),
        ("c.F a.B.h", "c.D.g"),
    }


def chunk(kind: int, fields: bytes, body: bytes) -> bytes:
    return struct.pack("<HHI", kind, 8 + len(fields), 8 + len(fields) + len(body)) + fields + body


def table(flags: int, count: int, offsets: bytes, entries: bytes) -> bytes:
    """A resource table with one package of one type."""
    fields = struct.pack("<BBHII", 1, flags, 0, count, 20 + len(offsets))
    package = chunk(0x0200, b"", chunk(0x0201, fields, offsets + entries))
    return chunk(0x0002, b"", package)


PLAIN = struct.pack("<HHIHBBI", 8, 0, 5, 8, 0, 0x10, 42)
COMPACT = struct.pack("<HHI", 5, 0x1008, 42)


def test_narrow_offsets_and_compact_values_are_converted() -> None:
    new = table(0x02, 3, struct.pack("<HHHH", 0xFFFF, 0, 2, 0), COMPACT + PLAIN)
    old = table(0, 3, struct.pack("<III", 0xFFFFFFFF, 0, 16), PLAIN + PLAIN)
    assert framework_resources.in_plain_form(new) == old
    assert framework_resources.in_plain_form(old) == old


def test_sparse_tables_remain_sparse() -> None:
    new = table(0x01, 2, struct.pack("<HHHH", 3, 0, 9, 2), COMPACT + PLAIN)
    old = table(0x01, 2, struct.pack("<HHHH", 3, 0, 9, 4), PLAIN + PLAIN)
    assert framework_resources.in_plain_form(new) == old


def test_damaged_tables_are_rejected() -> None:
    whole = table(0, 1, struct.pack("<I", 0), PLAIN)
    with pytest.raises(ValueError, match="damaged"):
        framework_resources.in_plain_form(whole[:8] + struct.pack("<HHI", 0x0200, 8, 9999) + whole[16:])
