"""Fast paths of the runtime: records, installed versions, and checks for finite values."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.engines.versions import installed_version
from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import EngineRequirement, FileEntry, ImageInput
from hanji.runtime.records import Record
from hanji.runtime.session import are_finite


@dataclass(frozen=True)
class Plain:
    name: str
    oldest_version: str


def test_a_record_is_like_a_frozen_dataclass() -> None:
    first, same, other = (EngineRequirement("litert", version) for version in ("2", "2", "3"))
    assert first == same
    assert hash(first) == hash(same)
    assert first != other
    assert first != Plain("litert", "2")
    assert len({first, same, other}) == 2
    assert repr(first) == repr(Plain("litert", "2")).replace("Plain", "EngineRequirement")
    assert dataclasses.asdict(first) == {"name": "litert", "oldest_version": "2"}
    assert dataclasses.replace(first, oldest_version="3") == other
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.name = "other"  # type: ignore[misc]


def test_manifest_classes_inherit_equality_from_record() -> None:
    classes = [FileEntry, ImageInput, EngineRequirement]
    assert all(issubclass(kind, Record) and kind.__eq__ is Record.__eq__ for kind in classes)


def test_versions_are_read_from_directory_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "some_engine-2.3.0.dist-info",
        "Other.Engine-1.0+cpu.dist-info",
        "debian_engine-2.14.0-py3.11.egg-info",
        "some_engine_extra-9.dist-info",
        "without_version.egg-info",
    ):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", ["/nowhere", str(tmp_path), *sys.path])
    for distribution, version in (
        ("some-engine", "2.3.0"),
        ("other_engine", "1.0+cpu"),
        ("debian-engine", "2.14.0"),
        ("without-version", None),
        ("engine", None),
    ):
        assert installed_version(distribution) == version
    for distribution in ("numpy", "hanji"):
        assert installed_version(distribution) == importlib.metadata.version(distribution)


def test_the_first_directory_on_the_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("2", "1"):
        (tmp_path / version / f"engine-{version}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "2"), str(tmp_path / "1")])
    assert installed_version("engine") == "2"


def test_a_distribution_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("packed_engine/__init__.py", "")
        archive.writestr("packed_engine-4.5.dist-info/METADATA", "Name: packed-engine\nVersion: 4.5\n")
    monkeypatch.syspath_prepend(str(tmp_path / "all.zip"))
    assert installed_version("packed-engine") == "4.5"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 1000, 10_000, 10_001, 100_000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_non_finite_value_is_found_at_any_position(count: int, bad: float) -> None:
    values = np.random.default_rng(0).normal(size=count).astype(np.float32)
    assert are_finite(values)
    for position in {0, count // 2, count - 1}:
        changed = values.copy()
        changed[position] = bad
        assert not are_finite(changed)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("largest", [3e38, -3e38, 1e-45, 0])
def test_large_and_small_values_are_finite(largest: float) -> None:
    assert are_finite(np.full(1000, largest, np.float32))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_the_models_input_size_is_unchanged(channels: int) -> None:
    rule = ImageInput(6, 5, channels, "crop", (0,) * channels, (1,) * channels, "graph")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, channels), np.uint8)
    assert np.array_equal(prepare(pixels, rule), pixels[None])
    view = np.ascontiguousarray(pixels[::-1])[::-1]
    prepared = prepare(view, rule)
    assert prepared.flags.c_contiguous
    assert np.array_equal(prepared, pixels[None])
    if channels == 1:
        assert np.array_equal(prepare(pixels[..., 0], rule), pixels[None])
