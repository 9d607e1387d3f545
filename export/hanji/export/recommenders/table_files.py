"""Writes table files: the ids of users, or items with titles, genres and popularity, in binary.

The format is described in docs/table-files.md, and read by ``hanji.runtime.table_file``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hanji.runtime.ids import ExternalId
from hanji.runtime.json_table import LARGEST_COUNT
from hanji.runtime.table_file import (
    ALIGNMENT,
    CONSECUTIVE,
    HEADER,
    IDS,
    INTEGERS,
    ITEMS,
    MAGIC,
    TEXTS,
    VERSION,
)
from hanji.training.errors import ConversionError
from hanji.training.recommenders.data import Catalogue


def id_table(ids: Sequence[ExternalId]) -> bytes:
    """A table file of ``ids``: unique, all integers or all strings."""
    kind, first, sections, size = _ids(ids)
    return _file(IDS, kind, [len(ids), 0, 0, 0, size, 0, 0], first, sections)


def item_table(catalogue: Catalogue) -> bytes:
    """A table file of the items of ``catalogue``; ConversionError if a column is larger than 2 GiB."""
    kind, first, ids, id_bytes = _ids(catalogue.item_ids)
    titles, title_bytes = _texts([title.encode() for title in catalogue.titles])
    lists = {genres: number for number, genres in enumerate(dict.fromkeys(catalogue.genres))}
    names = {name: number for number, name in enumerate(sorted({name for names in lists for name in names}))}
    members = [names[name] for genres in lists for name in genres]
    name_texts, name_bytes = _texts([name.encode() for name in names])
    sections = [
        *ids,
        *titles,
        np.fromiter(map(lists.__getitem__, catalogue.genres), "<u4", catalogue.items).tobytes(),
        _offsets(map(len, lists), len(lists)),
        np.array(members, "<u4").tobytes(),
        *name_texts,
        np.array(catalogue.popularity, "<i8").tobytes(),
    ]
    sizes = [catalogue.items, len(lists), len(members), len(names), id_bytes, title_bytes, name_bytes]
    return _file(ITEMS, kind, sizes, first, sections)


def _file(contents: int, kind: int, sizes: Sequence[int], first: int, sections: Iterable[bytes]) -> bytes:
    parts = [HEADER.pack(MAGIC, VERSION, contents, kind, *sizes, first)]
    for section in sections:
        parts += [section, bytes(-len(section) % ALIGNMENT)]
    return b"".join(parts)


def _ids(ids: Sequence[ExternalId]) -> tuple[int, int, list[bytes], int]:
    """The kind of ids, the first one if they are consecutive, their sections, and the bytes of text ids."""
    if isinstance(ids[0], str):
        encoded = [str(each).encode() for each in ids]
        texts, size = _texts(encoded)
        order = sorted(range(len(encoded)), key=encoded.__getitem__)
        return TEXTS, 0, [*texts, np.array(order, "<u4").tobytes()], size
    values = np.array(ids, "<i8")
    if (np.diff(values) == 1).all():
        return CONSECUTIVE, int(values[0]), [], 0
    return INTEGERS, 0, [values.tobytes(), values.argsort().astype("<u4").tobytes()], 0


def _texts(encoded: Sequence[bytes]) -> tuple[list[bytes], int]:
    """The sections of a column of strings in UTF-8, and the bytes of its content."""
    content = b"".join(encoded)
    return [_offsets(map(len, encoded), len(encoded)), content], len(content)


def _offsets(lengths: Iterable[int], count: int) -> bytes:
    """The offsets of ``count`` consecutive parts and of their end, uint32 [count + 1]."""
    offsets = np.zeros(count + 1, np.int64)
    offsets[1:] = np.cumsum(np.fromiter(lengths, np.int64, count))
    if offsets[-1] > LARGEST_COUNT:
        raise ConversionError(
            f"a column of the bundle's table file would have {offsets[-1]} bytes, expected at most "
            f"{LARGEST_COUNT}; shorten the titles or genres, or leave items out"
        )
    return offsets.astype("<u4").tobytes()


__all__ = ["id_table", "item_table"]
