"""What reads files of others, and files for each reader to start from."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from hanji.compression.classifiers.files.labels import read_labels
from hanji.compression.classifiers.files.settings_file import read_settings
from hanji.runtime import HanjiError
from hanji.runtime.classification import parse_labels
from hanji.runtime.classifier_golden import parse_golden as parse_image_golden
from hanji.runtime.engines.onnx_file import check_self_contained
from hanji.runtime.golden import parse_golden
from hanji.runtime.ids import parse_items, parse_users
from hanji.runtime.images.decoding import decode
from hanji.runtime.manifest import ImageInput
from hanji.runtime.manifest.reader import parse_manifest
from hanji.runtime.table_file import read_ids, read_items
from hanji.training.classifiers.untrusted.keras_config import expect_known_config
from hanji.training.recipe_file import read_recipe_file
from hanji.training.task import PACKAGES, load_task

ROOT = Path(__file__).parents[2]
DIGITS = ImageInput(8, 8, 1, "stretch", (0.0,), (1.0,), "graph")
TASKS = {name: load_task("compression", name) for name in PACKAGES}
KERAS_CONFIG = {
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Dense", "config": {"name": "dense", "units": 3}}]},
}


@dataclass(frozen=True)
class Reader:
    """A function of a file's content, and the files of a bundle that it reads."""

    read: Callable[[bytes], object]
    files: str = ""
    """A pattern of names in a bundle."""

    given: tuple[bytes, ...] = ()
    """Files that no bundle contains."""


def files_of(reader: Reader, bundles: Iterable[Path]) -> Iterator[bytes]:
    """The contents to start from."""
    yield from reader.given
    if reader.files:
        for bundle in bundles:
            yield from (path.read_bytes() for path in sorted(bundle.glob(reader.files)))


def _in_a_file(read: Callable[[Path], object], suffix: str) -> Callable[[bytes], object]:
    """A reader of paths as a reader of contents."""
    path = Path(tempfile.mkdtemp(prefix="hanji-fuzz-"), f"file{suffix}")

    def read_content(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return read_content


def _table(content: bytes) -> None:
    """A table of as many rows as it says itself, but at least one, as a manifest may say."""
    count = max(int.from_bytes(content[16:20], "little"), 1)
    for read in (read_ids, read_items):
        with contextlib.suppress(HanjiError):
            table = read(content, count, "items.table")
            for column in [getattr(table, name, ()) for name in ("titles", "genres")]:
                for row in (0, len(column) - 1) if len(column) else ():
                    column[row]


def _of_its_length(
    parse: Callable[[bytes, int, str], object], key: str, name: str
) -> Callable[[bytes], object]:
    """A parser of a known number of rows as one of as many as the file has."""

    def read(content: bytes) -> object:
        try:
            count = len(json.loads(content)[key])
        except (ValueError, RecursionError, KeyError, TypeError):
            count = 3
        return parse(content, count, name)

    return read


def _onnx(content: bytes) -> None:
    with contextlib.suppress(ValueError):  # as documented: damage is the engine's to describe
        check_self_contained(content, "model.onnx")


def _keras(content: bytes) -> None:
    try:
        config = json.loads(content)
    except (ValueError, RecursionError):
        return
    expect_known_config(config, "model.keras")


def _recipe(path: Path) -> None:
    file = read_recipe_file(path)
    task = TASKS[file.task]
    task.recipe.from_file(file)
    for table in ("data", "model", "training"):
        file.settings(table, getattr(task, f"{table}_config"))


def _pictures() -> tuple[bytes, ...]:
    """One small image in each format."""
    contents = []
    image = Image.linear_gradient("L").resize((9, 7)).convert("RGB")
    for name in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        image.save(stream := io.BytesIO(), format=name)
        contents.append(stream.getvalue())
    return tuple(contents)


def _tables() -> tuple[bytes, ...]:
    known: Any = json.loads((ROOT / "tests" / "table_files.json").read_text(encoding="utf-8"))
    return tuple(base64.b64decode(table["base64"]) for table in known["tables"])


def _texts(*patterns: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


READERS = {
    "manifest": Reader(parse_manifest, "manifest.json"),
    "items": Reader(_of_its_length(parse_items, "ids", "items.json"), "items.json"),
    "users": Reader(
        _of_its_length(parse_users, "ids", "users.json"), "users.json", (b'{"ids": ["a", "b", "c"]}',)
    ),
    "labels": Reader(_of_its_length(parse_labels, "labels", "labels.json"), "labels.json"),
    "golden": Reader(parse_golden, "golden.json"),
    "image golden": Reader(lambda content: parse_image_golden(content, DIGITS, 10), "golden.json"),
    "table": Reader(_table, given=_tables()),
    "onnx": Reader(_onnx, "*.onnx"),
    "image": Reader(decode, given=_pictures()),
    "recipe": Reader(_in_a_file(_recipe, ".toml"), given=_texts("examples/*.toml")),
    "labels of a file": Reader(
        _in_a_file(read_labels, ".json"), given=(b'["a", "b"]', b'{"labels": ["a"], "names": {"ko": ["b"]}}')
    ),
    "preprocessing": Reader(
        _in_a_file(read_settings, ".toml"), given=(b'scale = 0.0039\nmean = [0.5, 0.5, 0.5]\nfit = "crop"\n',)
    ),
    "keras": Reader(_keras, given=(json.dumps(KERAS_CONFIG).encode(), b'{"class_name": "None of Keras"}')),
}
"""All readers by name."""

__all__ = ["READERS", "HanjiError", "Reader", "files_of"]
