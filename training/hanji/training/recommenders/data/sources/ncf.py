"""The files of the NCF benchmark: `*.train.rating`, `*.test.rating` and `*.test.negative`.

Ratings are tab-separated `user item rating time`; each line of the negatives is `(user,item)` and 99 item
ids, in the order of the test ratings. Ids are integers. An optional `items.tsv` in the same directory, with
the columns item, title and genres, has the titles.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.config import NEGATIVES, DataConfig
from hanji.training.recommenders.data.raw import ItemText, RawData, RawTest
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.files import open_text, source_file
from hanji.training.recommenders.data.sources.header import read_header
from hanji.training.recommenders.data.sources.interactions import read_interactions
from hanji.training.recommenders.data.sources.items import read_item_texts
from hanji.training.recommenders.data.sources.malformed import MalformedLines
from hanji.training.recommenders.data.sources.movielens import MOVIELENS_LICENCE, four_columns
from hanji.training.recommenders.data.sources.values import Options

TRAIN_SUFFIX = ".train.rating"
_PAIR = re.compile(r"\((\d{1,15}),\s*(\d{1,15})\)")


def read_ncf(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Read the three files; DataError for a malformed line of the test files."""
    train = _train_file(config, directory)
    stem = train.name.removesuffix(TRAIN_SUFFIX)
    malformed = MalformedLines(config.malformed_limit)
    read = read_interactions(engine, [four_columns(train, "\t")], malformed, Options(integer_ids=True))
    return RawData(
        format="ncf",
        licence=MOVIELENS_LICENCE if stem.startswith("ml-") else "",
        interactions=read.coded,
        items=_titles(directory, engine, malformed),
        malformed=malformed,
        test=_read_test(directory / f"{stem}.test.rating", directory / f"{stem}.test.negative"),
        notes=read.notes,
    )


def _train_file(config: DataConfig, directory: Path) -> Path:
    if config.ratings is not None:
        if not config.ratings.endswith(TRAIN_SUFFIX):
            raise DataError(
                f"data.ratings: expected the name of a *{TRAIN_SUFFIX} file, found {config.ratings!r}"
            )
        return directory / config.ratings
    found = [name for name in file_names(directory) if name.endswith(TRAIN_SUFFIX)]
    if len(found) != 1:
        what = ", ".join(found) if found else directory_listing(directory)
        raise DataError(
            f"{directory}: expected one *{TRAIN_SUFFIX} file, found {what}; set it as data.ratings"
        )
    return directory / found[0]


def _titles(directory: Path, engine: Engine, malformed: MalformedLines) -> dict[str, ItemText]:
    path = directory / "items.tsv"
    if path.name not in file_names(directory):
        return {}
    columns = {name: name for name in ("item", "title", "genres")}
    header = read_header(source_file(path), list(columns), "\t")
    return read_item_texts(engine, header, header.columns_of(columns), malformed, separator="|")


def _read_test(ratings: Path, negatives: Path) -> RawTest:
    pairs = _test_pairs(ratings)
    rows = _test_negatives(negatives, pairs, ratings)
    return RawTest(pairs[:, 0], pairs[:, 1], rows)


def _test_pairs(path: Path) -> NDArray[np.int64]:
    pairs = []
    for number, line in _lines(path):
        fields = line.split("\t")
        if len(fields) < 2 or not (_is_id(fields[0]) and _is_id(fields[1])):
            raise DataError(
                f"{path}:{number}: expected tab-separated user, item, rating, time, found {line[:60]!r}"
            )
        pairs.append((int(fields[0]), int(fields[1])))
    return np.array(pairs, dtype=np.int64)


def _test_negatives(path: Path, pairs: NDArray[np.int64], ratings: Path) -> NDArray[np.int64]:
    rows: list[list[str]] = []
    for number, line in _lines(path):
        head, *fields = line.split("\t")
        match = _PAIR.fullmatch(head)
        if match is None or len(fields) != NEGATIVES or not all(map(_is_id, fields)):
            raise DataError(
                f"{path}:{number}: expected (user,item) and {NEGATIVES} item ids, tab-separated, "
                f"found {len(fields)} fields after {head[:40]!r}"
            )
        pair = (int(match[1]), int(match[2]))
        if len(rows) >= len(pairs) or pair != tuple(pairs[len(rows)]):
            raise DataError(
                f"{path}:{number}: expected the pair of the same line in {ratings.name}, found {head}"
            )
        rows.append(fields)
    if len(rows) != len(pairs):
        raise DataError(
            f"{path}: expected {len(pairs)} lines as in {ratings.name}, found {len(rows)}; copy it again"
        )
    return np.array(rows, dtype=np.int64)


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    with open_text(source_file(path)) as text:
        return [(number, line.rstrip("\r\n")) for number, line in enumerate(text, start=1) if line.strip()]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
