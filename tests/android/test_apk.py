"""The APK: builds, signs and checks it, and runs its bytecode on the desktop."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import Recommender

from ..left_out import install_in_ci, missing
from .conftest import BUILD, ROOT

sys.path.insert(0, str(BUILD))

import apk_downloads
import archive
import assets as packed
import desktop
import downloads
import elf
import gates
import make_apk
import shrink
import signing
import tools

pytestmark = pytest.mark.timeout(1800)  # the first test builds the bundles and compiles the app

DRIVER = Path(__file__).parent / "java" / "GoldenOnDex.java"
SDK_VERSIONS = {"targetSdkVersion:'37'", "compileSdkVersion='37'"}


@pytest.fixture(scope="module")
def packages(build_tools: None) -> None:
    """The Debian packages that build an APK; in CI, they are installed if missing."""
    install_in_ci(tools.PACKAGES)
    if absent := tools.missing_packages():
        missing(f"Debian packages are needed; try: apt-get install {' '.join(absent)}")


@pytest.fixture(scope="module")
def recommender(bundles: Path) -> Path:
    return bundles / "history"


@pytest.fixture(scope="module")
def classifier(bundles: Path) -> Path:
    return bundles / "digits"


@pytest.fixture(scope="module")
def apks(
    packages: None, recommender: Path, classifier: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[make_apk.Apk]:
    out = tmp_path_factory.mktemp("apk")
    return make_apk.make_apks(out, recommender, classifier, work=ROOT / "out" / "android")


@pytest.fixture(scope="module")
def apk(apks: list[make_apk.Apk]) -> make_apk.Apk:
    """The APK for arm64."""
    return apks[0]


def test_all_gates_pass(apks: list[make_apk.Apk]) -> None:
    for apk in apks:
        found = gates.check(apk.path, apk.compiled.core_dex)
        print(make_apk.report(apk, found))
        assert [gate for gate in found if not gate.passed] == []


def test_each_apk_contains_the_engine(apks: list[make_apk.Apk]) -> None:
    assert [apk.path.name for apk in apks] == ["hanji-demo-arm64.apk", "hanji-demo-x86_64.apk"]
    for apk, abi in zip(apks, ("arm64-v8a", "x86_64"), strict=True):
        names = [name for name in zipfile.ZipFile(apk.path).namelist() if name.startswith("lib/")]
        assert names == [f"lib/{abi}/libjnitensorflowlite.so"]


def test_the_bill_of_materials_names_the_packages_in_the_apk(apks: list[make_apk.Apk]) -> None:
    for apk, processor in zip(apks, ("arm64", "x86_64"), strict=True):
        table = json.loads(apk.path.with_suffix(".cdx.json").read_bytes())
        (digest,) = table["metadata"]["component"]["hashes"]
        assert digest["content"] == hashlib.sha256(apk.path.read_bytes()).hexdigest()
        library = downloads.JAVACPP_TFLITE_LIBRARIES[f"android-{processor}"]
        parts = [downloads.KOTLIN_STDLIB, downloads.JAVACPP, downloads.JAVACPP_TFLITE, library]
        assert [(part["name"], part["hashes"][0]["content"]) for part in table["components"]] == [
            (part.name, part.sha256) for part in parts
        ]
        purl = f"pkg:maven/org.bytedeco/tensorflow-lite@{library.version}?classifier=android-{processor}"
        assert table["components"][-1]["purl"] == purl


def test_the_android_manifest(apk: make_apk.Apk) -> None:
    badging = tools.run(["aapt2", "dump", "badging", apk.path])
    assert all(version in badging for version in SDK_VERSIONS)
    assert "application-label-ko:'한지'" in badging
    tree = tools.run(["aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", apk.path])
    assert "android:allowBackup(0x01010280)=false" in tree
    assert "uses-permission" not in tree
    assert "dataExtractionRules" in tree


def test_the_unsigned_apk_is_reproducible(apk: make_apk.Apk, tmp_path: Path) -> None:
    with zipfile.ZipFile(apk.unsigned) as made, zipfile.ZipFile(apk.compiled.linked) as linked:
        added = {name: made.read(name) for name in made.namelist() if name not in linked.namelist()}
    again = tmp_path / "again.apk"
    archive.write_apk(again, apk.compiled.linked, dict(reversed(added.items())))
    assert again.read_bytes() == apk.unsigned.read_bytes()


def test_the_assets_contain_the_bundle(apk: make_apk.Apk, recommender: Path) -> None:
    names = {name for name in zipfile.ZipFile(apk.path).namelist() if name.startswith("assets/recommender/")}
    assert {Path(name).suffix for name in names} == {".json", ".sha256", ".tflite", ".md"}
    with zipfile.ZipFile(apk.path) as archived:
        manifest = archived.read("assets/recommender/manifest.json")
    assert manifest == (recommender / "manifest.json").read_bytes()


@pytest.fixture(scope="module")
def dex_output(
    apk: make_apk.Apk, recommender: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[list[str]], list[list[int]]]:
    """The fields of each line that the APK's bytecode printed, and the histories that it was given."""
    folder = tmp_path_factory.mktemp("dex")
    jar = desktop.jar_of(apk.path, folder / "apk.jar")
    assets = desktop.unpack_assets(apk.path, folder)
    histories = golden_histories(recommender)
    lines = "".join(",".join(map(str, history)) + "\n" for history in histories)
    output = desktop.run_on_jar(jar, DRIVER, [assets / "recommender", assets / "classifier"], lines)
    return [line.split("\t") for line in output.splitlines()], histories


def golden_histories(bundle: Path) -> list[list[int]]:
    golden = json.loads((bundle / "golden.json").read_bytes())
    return [case["history"] for case in golden["artifacts"]["tflite"]["cases"]]


def test_the_bytecode_of_the_apk_passes_the_self_test(dex_output: Any) -> None:
    tests = [fields for fields in dex_output[0] if fields[0] == "self-test"]
    assert [fields[1] for fields in tests] == ["recommender", "classifier"]
    for _, _, passed, cases, engine, detail in tests:
        assert passed == "true", detail
        assert int(cases) > 0
        assert engine == "tensorflow-lite"


def test_the_bytecode_of_the_apk_recommends_like_python(dex_output: Any, recommender: Path) -> None:
    lines, histories = dex_output
    found = iter(lines[2:])
    with Recommender.open(recommender, engine="litert") as model:
        for history in histories:
            expected = model.recommend(history=history, exclude_seen=False, explain=2).items
            recommended = list(iter(lambda: next(found), ["end"]))
            assert [int(fields[1]) for fields in recommended] == [row.item for row in expected]
            assert [fields[2:] for fields in recommended] == [
                [why.title for why in row.why] or [""] for row in expected
            ]
    assert next(found, None) is None


# The library of Google's last TFLite on Maven Central has segments that are aligned to 4 KB.


@pytest.fixture(scope="module")
def with_old_tflite(
    packages: None, apk: make_apk.Apk, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes]]:
    """A signed APK with the library of TFLite, and its libraries by path."""
    folder = tmp_path_factory.mktemp("tflite")
    package = downloads.fetched([downloads.TFLITE])[downloads.TFLITE]
    libraries = make_apk.native_libraries(package, "jni", "arm64-v8a")
    files = {"assets/odd": b"x", "classes.dex": apk.compiled.dex.read_bytes(), **libraries}
    archive.write_apk(folder / "unsigned.apk", apk.compiled.linked, files)
    signing.sign(folder / "unsigned.apk", folder / "signed.apk", apk_downloads.MIN_SDK)
    return folder / "signed.apk", libraries


def test_libraries_start_on_a_16_kb_page_after_signing(
    with_old_tflite: tuple[Path, dict[str, bytes]],
) -> None:
    path, libraries = with_old_tflite
    gate = gates._libraries_in_zip(path)
    assert gate.passed, gate.found
    offsets = {info.filename: offset for info, offset in archive.entries(path)}
    content = path.read_bytes()
    for name, library in libraries.items():
        assert offsets[name] % (16 * 1024) == 0
        assert content[offsets[name] : offsets[name] + len(library)] == library


def test_libraries_for_4_kb_pages_are_rejected(with_old_tflite: tuple[Path, dict[str, bytes]]) -> None:
    libraries = with_old_tflite[1]
    assert {elf.read_library(content, name).alignment for name, content in libraries.items()} == {4096}
    gate = gates._libraries_in_elf(libraries)
    assert gate.passed is False
    assert "aligned to 4096" in gate.found


def test_misaligned_libraries_are_rejected(
    with_old_tflite: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "plain.apk"
    with zipfile.ZipFile(path, "w") as plain:
        plain.writestr("odd", b"x")
        for name, content in with_old_tflite[1].items():
            plain.writestr(name, content)
    assert gates._libraries_in_zip(path).passed is False


def test_a_modified_apk_fails_signature_verification(apk: make_apk.Apk, tmp_path: Path) -> None:
    content = bytearray(apk.path.read_bytes())
    start = next(offset for info, offset in archive.entries(apk.path) if info.filename == "classes.dex")
    content[start + 100] ^= 1
    modified = tmp_path / "modified.apk"
    modified.write_bytes(content)
    assert gates._signature(modified).passed is False
    assert gates._signature(apk.path).passed is True


def test_permissions_are_detected(apk: make_apk.Apk, tmp_path: Path) -> None:
    out = apk.compiled.linked.parent
    text = (out / "AndroidManifest.xml").read_text(encoding="utf-8")
    with_permission = text.replace(
        "<application", '<uses-permission android:name="android.permission.INTERNET"/><application', 1
    )
    (tmp_path / "AndroidManifest.xml").write_text(with_permission, encoding="utf-8")
    framework = next(out.glob("framework-*.zip"))
    linked = tmp_path / "linked.apk"
    options = ["-I", framework, "--manifest", tmp_path / "AndroidManifest.xml", "-o", linked]
    tools.run(["aapt2", "link", *options, out / "resources.zip"])
    found = {gate.name: gate for gate in gates._badging(linked)}
    assert found["no permission"].passed is False
    assert "INTERNET" in found["no permission"].found
    assert found["badging"].passed is False


def test_methods_missing_in_android_7_fail_the_build(packages: None, tmp_path: Path) -> None:
    library, app = tmp_path / "View.java", tmp_path / "New.java"
    library.write_text("package android.view; public class View { public void setNewThing(int a) { } }")
    app.write_text("class New { static void use(android.view.View view) { view.setNewThing(1); } }")
    options = ["--release", "8", "-Xlint:-options"]
    tools.run(["javac", *options, "-d", tmp_path / "library", library])
    tools.run(["javac", *options, "-cp", tmp_path / "library", "-d", tmp_path / "app", app])
    with zipfile.ZipFile(tmp_path / "new.jar", "w") as jar:
        jar.write(tmp_path / "app" / "New.class", "New.class")
    message = r"not in Android 24[\s\S]*New\.use.*: .*setNewThing\(int\)"
    with pytest.raises(downloads.BuildError, match=message):
        shrink.check_references(tmp_path / "new.jar")


def test_modified_bundles_are_not_packed(packages: None, recommender: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(recommender, bundle)
    (bundle / "items.json").write_bytes((bundle / "items.json").read_bytes().replace(b"titles", b"titlez"))
    with pytest.raises(downloads.BuildError, match=r"items\.json: not the file that was exported"):
        packed.assets_of(bundle, "recommender", "recommendation", "tflite")


def test_unsuitable_bundles_are_not_packed(bundles: Path, classifier: Path) -> None:
    with pytest.raises(downloads.BuildError, match="expected a bundle for recommendation"):
        packed.assets_of(classifier, "recommender", "recommendation", "tflite")
    with pytest.raises(downloads.BuildError, match="takes user ids"):
        packed.assets_of(bundles / "users", "recommender", "recommendation", "tflite")
    with pytest.raises(downloads.BuildError, match="make demo"):
        packed.assets_of(ROOT / "nowhere", "recommender", "recommendation", "tflite")


def test_bundles_of_an_older_export_are_not_packed(recommender: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(recommender, bundle)
    manifest = (bundle / "manifest.json").read_text(encoding="utf-8")
    (bundle / "manifest.json").write_text(manifest.replace("tensorflow-lite", "other"), encoding="utf-8")
    with pytest.raises(
        downloads.BuildError, match="expected a tflite artifact for tensorflow-lite, found none"
    ):
        packed.assets_of(bundle, "recommender", "recommendation", "tflite")


def test_aars_other_than_the_pinned_one_are_rejected(
    packages: None, recommender: Path, classifier: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.aar"
    other.write_bytes(b"PK")
    with pytest.raises(downloads.BuildError, match="expected the pinned onnxruntime-android"):
        make_apk.make_apks(tmp_path, recommender, classifier, other)
