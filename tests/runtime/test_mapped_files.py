"""Large model files: verified and memory-mapped, not copied; and detection of changes."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import BundleError, ChecksumError, Recommender
from hanji.runtime import bundle as bundles
from hanji.runtime.bundle import open_bundle
from hanji.runtime.engines.choice import choose, create_engine
from hanji.runtime.mapped_file import MappedFile, can_be_mapped

from ..table_files import use_table_files

ENGINES = ["litert", "onnxruntime"]
pytestmark = pytest.mark.skipif(not can_be_mapped(), reason="this system has no /proc/self/fd")


@pytest.fixture(autouse=True)
def every_file_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAPPED_FROM_BYTES", 1)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_scores_are_the_same(bundle: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recommender.open(bundle, engine=engine) as recommender:
        assert recommender.self_test().passed
        mapped = recommender.scores(100).tolist()
    monkeypatch.setattr(bundles, "MAPPED_FROM_BYTES", 2**40)
    with Recommender.open(bundle, engine=engine) as recommender:
        assert recommender.scores(100).tolist() == mapped


def test_small_files_are_read(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_bundle(bundle)
    file = opened.manifest.artifacts[0].files[0]
    assert isinstance(opened.content(file), MappedFile)
    monkeypatch.setattr(bundles, "MAPPED_FROM_BYTES", file.bytes + 1)
    assert opened.content(file) == (bundle / file.path).read_bytes()


def test_files_are_read_if_they_cannot_be_reopened(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "can_be_mapped", lambda: False)
    opened = open_bundle(bundle)
    assert isinstance(opened.content(opened.manifest.artifacts[0].files[0]), bytes)


def test_litert_maps_the_file(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    bundle = make_parts("tflite").write(tmp_path / "mapped")
    with Recommender.open(bundle) as recommender:
        recommender.recommend(100)
        assert str(bundle / "model.tflite") in Path("/proc/self/maps").read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
def test_no_descriptor_is_leaked(bundle: Path, engine: str) -> None:
    def use() -> None:
        with Recommender.open(bundle, engine=engine) as recommender:
            recommender.recommend(100)
            recommender.score_pairs([100], [5000])

    use()
    gc.collect()
    before = open_descriptors()
    for _ in range(3):
        use()
    gc.collect()
    assert open_descriptors() == before


@pytest.mark.parametrize("engine", ENGINES)
def test_the_hashed_file_is_the_file_in_use(bundle: Path, engine: str) -> None:
    """Moving or deleting the bundle does not affect an open session."""
    with Recommender.open(bundle, engine=engine) as recommender:
        before = recommender.recommend(100)
        shutil.move(bundle, bundle.with_name("moved"))
        for path in bundle.with_name("moved").iterdir():
            path.unlink()
        assert recommender.recommend(100) == before
        recommender.score_pairs([100], [5000])  # with onnxruntime, from a file that was not loaded before


def test_a_damaged_file(bundle: Path) -> None:
    content = bytearray((bundle / "model.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.tflite").write_bytes(content)
    with pytest.raises(
        ChecksumError, match=r"model\.tflite: expected sha256 .*, found .*the file is modified or damaged"
    ):
        Recommender.open(bundle, engine="litert")


def test_a_truncated_file(bundle: Path) -> None:
    os.truncate(bundle / "model.tflite", 100)
    with pytest.raises(ChecksumError, match="the file is truncated or modified"):
        Recommender.open(bundle, engine="litert")


def test_a_file_that_cannot_be_opened(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hanji.runtime.mapped_file.os.open", refuse)
    opened = open_bundle(bundle)
    with pytest.raises(BundleError, match=r"model\.tflite: cannot be read: Permission denied"):
        opened.content(opened.manifest.artifacts[0].files[0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", ["same", "shorter"])
def test_a_file_changed_in_place_before_it_is_loaded(bundle: Path, engine: str, size: str) -> None:
    opened = open_bundle(bundle)
    choice = choose(opened.manifest, engine)
    contents = {file.path: opened.content(file) for file in choice.artifact.files}
    model = bundle / choice.artifact.files[0].path
    original = model.read_bytes()
    with model.open("r+b") as stream:
        stream.write(b"\0" * 40)
        stream.truncate(len(original) if size == "same" else 60)
    os.utime(model, ns=(0, 0))  # independent of the clock's resolution
    loading_engine = create_engine(choice, contents, threads=1)
    with pytest.raises(ChecksumError, match=r"was changed while it was being loaded; .*to a new directory"):
        loading_engine.load("catalogue")


def test_a_file_that_grows_while_it_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"abc")
    opened = MappedFile(path)
    with path.open("ab") as stream:
        stream.write(b"d" * 10)
    assert opened.sha256().startswith("ba7816bf")  # the hash of the original content
    with pytest.raises(ChecksumError):
        opened.check()


def test_pages_that_preparing_the_model_has_read_are_released(
    make_history_parts: Callable[..., Any], tmp_path: Path
) -> None:
    bundle = make_history_parts("tflite").write(tmp_path / "bundle")
    with Recommender.open(bundle, engine="litert") as recommender:
        first = recommender.recommend(history=[5001, 5007])
        assert resident_kib(bundle / "model.tflite") == 0
        assert recommender.recommend(history=[5001, 5007]) == first
        assert resident_kib(bundle / "model.tflite") > 0, "rows of the history are read from the file"


def resident_kib(path: Path) -> int:
    """Resident memory of the mappings of a file."""
    found, total = False, 0
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if not line.split()[0].endswith(":"):  # the line of a mapping, before those of its numbers
            found = line.endswith(str(path))
        elif found and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def test_tables_are_mapped_and_outlive_their_files(
    make_history_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_history_parts("onnx")
    use_table_files(parts.manifest, parts.files)
    bundle = parts.write(tmp_path / "bundle")
    with Recommender.open(bundle) as recommender:
        assert str(bundle / "items.table") in Path("/proc/self/maps").read_text(encoding="utf-8")
        (bundle / "items.table").unlink()
        gc.collect()
        assert recommender.items.titles[3] == "Title 3"
        assert recommender.items.genres[3] == ("Drama", "War")


@pytest.mark.parametrize("name", ["model.onnx", "items.table"])
def test_a_file_that_is_truncated_in_use(
    make_history_parts: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    """Its pages would end the process with SIGBUS when they are read."""
    parts = make_history_parts("onnx")
    use_table_files(parts.manifest, parts.files)
    bundle = parts.write(tmp_path / "bundle")
    with Recommender.open(bundle) as recommender:
        assert len(recommender.recommend(history=[5001])) == 10
        os.truncate(bundle / name, 8)
        calls = (
            lambda: recommender.recommend(history=[5001]),
            lambda: recommender.recommend(history=[]),
            lambda: recommender.scores(history=[5001]),
            recommender.warm_up,
        )
        for call in calls:
            with pytest.raises(ChecksumError, match=f"{name}: the file was truncated while in use"):
                call()


def test_a_closed_bundle_holds_no_file(bundle: Path) -> None:
    before = open_descriptors()
    recommender = Recommender.open(bundle, engine="litert")
    recommender.recommend(100)
    assert open_descriptors() > before
    recommender.close()
    gc.collect()
    assert open_descriptors() == before


def test_a_table_that_was_changed_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "items.table"
    path.write_bytes(b"content")
    file = MappedFile(path)
    assert file.read(1, 4) == b"ont"
    path.write_bytes(b"other and longer")
    with pytest.raises(ChecksumError, match="the file was changed while it was being loaded"):
        file.mapped()
