"""Bundles that are valid, missing, incomplete or modified after export."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import BundleError, ChecksumError, HanjiError, Recommender, SchemaVersionError
from hanji.runtime.bundle import open_bundle

NEEDED = ["users.json", "items.json", "model.onnx", "pairs.onnx"]


def test_a_valid_bundle(onnx_bundle: Path) -> None:
    bundle = open_bundle(onnx_bundle)
    assert bundle.manifest.name == "test"
    assert {file.path: len(bundle.read(file)) for file in bundle.manifest.all_files} == {
        file.path: file.bytes for file in bundle.manifest.all_files
    }
    Recommender.open(str(onnx_bundle)).close()


def test_a_valid_history_bundle(onnx_history_bundle: Path) -> None:
    assert not (onnx_history_bundle / "users.json").exists()
    bundle = open_bundle(onnx_history_bundle)
    for file in bundle.manifest.all_files:
        assert len(bundle.read(file)) == file.bytes
    Recommender.open(onnx_history_bundle).close()


@pytest.mark.parametrize("name", ["items.json", "model.onnx", "why.onnx"])
def test_a_missing_file_of_a_history_bundle(onnx_history_bundle: Path, name: str) -> None:
    (onnx_history_bundle / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: the file is missing"):
        Recommender.open(onnx_history_bundle)


def test_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path, found in ((tmp_path / "none", "nothing"), (file, "a file"), (file / "below", "nothing")):
        with pytest.raises(BundleError, match=rf"expected a bundle directory, found {found}; .*hanji build"):
            Recommender.open(path)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256", *NEEDED])
def test_a_missing_file(onnx_bundle: Path, name: str) -> None:
    (onnx_bundle / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: the file is missing; copy or export the bundle again"):
        Recommender.open(onnx_bundle)


@pytest.mark.parametrize("name", NEEDED)
def test_a_truncated_file(onnx_bundle: Path, name: str) -> None:
    content = (onnx_bundle / name).read_bytes()
    (onnx_bundle / name).write_bytes(content[:-1])
    expected = rf"{name}: expected {len(content)} bytes, found {len(content) - 1}: the file is truncated"
    with pytest.raises(ChecksumError, match=expected):
        Recommender.open(onnx_bundle)


@pytest.mark.parametrize("name", NEEDED)
def test_one_flipped_bit(onnx_bundle: Path, name: str) -> None:
    content = bytearray((onnx_bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (onnx_bundle / name).write_bytes(content)
    with pytest.raises(ChecksumError, match=rf"{name}: expected sha256 [0-9a-f]{{64}}, found [0-9a-f]{{64}}"):
        Recommender.open(onnx_bundle)


def test_an_edited_manifest(onnx_bundle: Path) -> None:
    path = onnx_bundle / "manifest.json"
    path.write_text(path.read_text().replace('"test"', '"best"'))
    with pytest.raises(
        ChecksumError, match=r"manifest\.json: its sha256 \w+ does not match manifest\.sha256"
    ):
        Recommender.open(onnx_bundle)


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text + "\n", lambda text: text.split()[0], lambda _: ""]
)
def test_an_edited_checksum(onnx_bundle: Path, change: Callable[[str], str]) -> None:
    path = onnx_bundle / "manifest.sha256"
    path.write_text(change(path.read_text()))
    with pytest.raises(ChecksumError, match="one of the two was modified or damaged"):
        Recommender.open(onnx_bundle)


def test_swapped_files(onnx_bundle: Path) -> None:
    model, pairs = onnx_bundle / "model.onnx", onnx_bundle / "pairs.onnx"
    content = model.read_bytes()
    model.write_bytes(pairs.read_bytes())
    pairs.write_bytes(content)
    with pytest.raises(ChecksumError):
        Recommender.open(onnx_bundle)


def test_a_newer_schema(onnx_bundle: Path, make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    parts.manifest["schema_version"] = 7
    with pytest.raises(SchemaVersionError, match="found 7; upgrade it"):
        Recommender.open(parts.write(tmp_path / "newer"))


def test_sizes_are_compared_before_anything_is_read(
    onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (onnx_bundle / "model.onnx").open("ab") as stream:
        stream.truncate(2**33)  # sparse: uses no disk space
    with pytest.raises(ChecksumError, match="found 8589934592"):
        Recommender.open(onnx_bundle)


def test_a_huge_manifest_is_not_read(onnx_bundle: Path) -> None:
    with (onnx_bundle / "manifest.json").open("ab") as stream:
        stream.truncate(2**33)
    with pytest.raises(BundleError, match="expected at most 16777216 bytes"):
        Recommender.open(onnx_bundle)


def test_huge_json_is_not_read(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("items.json", "users.json", "golden.json")
    largest = max((onnx_bundle / name).stat().st_size for name in names)
    monkeypatch.setattr("hanji.runtime.bundle.LARGEST_JSON_BYTES", largest)
    assert Recommender.open(onnx_bundle).self_test().passed
    monkeypatch.setattr("hanji.runtime.bundle.LARGEST_JSON_BYTES", largest - 1)
    with pytest.raises(BundleError, match=f"expected at most {largest - 1} bytes, found {largest}; copy"):
        Recommender.open(onnx_bundle).self_test()


def test_a_symlink_out_of_the_bundle(onnx_bundle: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (onnx_bundle / "model.onnx").rename(outside)
    (onnx_bundle / "model.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match="a symbolic link to a location outside the bundle"):
        Recommender.open(onnx_bundle)


def test_symlinks_inside_and_to_the_bundle_are_allowed(onnx_bundle: Path, tmp_path: Path) -> None:
    (onnx_bundle / "model.onnx").rename(onnx_bundle / "real.onnx")
    (onnx_bundle / "model.onnx").symlink_to("real.onnx")
    (tmp_path / "link").symlink_to(onnx_bundle)
    Recommender.open(tmp_path / "link").close()


def test_files_that_are_not_regular(onnx_bundle: Path) -> None:
    path = onnx_bundle / "model.onnx"
    path.unlink()
    os.mkfifo(path)  # opening it would block
    with pytest.raises(BundleError, match=r"model\.onnx: expected a regular file"):
        Recommender.open(onnx_bundle)
    path.unlink()
    path.mkdir()
    with pytest.raises(BundleError, match=r"model\.onnx: expected a regular file"):
        Recommender.open(onnx_bundle)
    path.rmdir()
    path.symlink_to(path.name)  # a loop
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Recommender.open(onnx_bundle)


def test_no_permission(onnx_bundle: Path, without_rights: Callable[[], AbstractContextManager[None]]) -> None:
    onnx_bundle.chmod(0)
    with without_rights(), pytest.raises(BundleError, match="cannot be read: Permission denied"):
        Recommender.open(onnx_bundle)
    onnx_bundle.chmod(0o755)


def test_only_required_files_are_read(bundle: Path) -> None:
    for name in ("model.onnx", "pairs.onnx", "golden.json", "MODEL_CARD.md"):
        (bundle / name).write_bytes(b"damaged")
    with Recommender.open(bundle, engine="litert") as recommender:
        assert len(recommender.recommend(100)) == 10
        with pytest.raises(ChecksumError, match=r"golden\.json"):
            recommender.self_test()


def test_a_damaged_artifact_is_not_replaced_by_another(bundle: Path) -> None:
    (bundle / "model.tflite").unlink()
    with pytest.raises(BundleError, match=r"model\.tflite: the file is missing"):
        Recommender.open(bundle)


@pytest.mark.parametrize("name", ["users.json", "items.json"])
def test_tables_that_contradict_the_manifest(
    make_parts: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    parts = make_parts("onnx")
    table = json.loads(parts.files[name])
    table["ids"] = table["ids"][:-1]
    parts.files[name] = json.dumps(table).encode()
    with pytest.raises(BundleError, match=rf"{name}: ids: expected \d+ entries .*found \d+"):
        Recommender.open(parts.write(tmp_path / "bundle"))


def test_a_bundle_can_be_moved(onnx_bundle: Path, tmp_path: Path) -> None:
    moved = tmp_path / "with a space" / "한지"
    moved.parent.mkdir()
    shutil.move(onnx_bundle, moved)
    Recommender.open(moved).close()


def test_errors_are_hanji_errors() -> None:
    assert issubclass(ChecksumError, BundleError)
    assert issubclass(SchemaVersionError, BundleError)
    assert issubclass(BundleError, HanjiError)


@pytest.mark.parametrize("path", ["a\0b", "a\ud800"])
def test_paths_that_no_system_has(path: str) -> None:
    with pytest.raises(BundleError, match=r"cannot be read: (embedded null byte|.*surrogates not allowed)"):
        open_bundle(path)
