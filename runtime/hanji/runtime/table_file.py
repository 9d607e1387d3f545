"""Reads a table file: the ids of users or items, titles, genres and popularity, in binary.

docs/table-files.md describes the format. Everything that a reader relies on is checked when a table is
opened, in blocks of bounded size. Values are read when asked for: titles from the file (a mapping may
load a megabyte for each), everything else from mapped memory.
"""

from __future__ import annotations

import codecs
import operator
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.columns import Consecutive, Integers, TextLists, Texts, binary_search
from hanji.runtime.errors import BundleError
from hanji.runtime.ids import Ids, Items
from hanji.runtime.json_table import LARGEST_INTEGER

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content

MAGIC = b"hanjitab"
VERSION = 1
HEADER = struct.Struct("<8s10Iq")
"""Magic, version, contents, kind of ids, rows, genre lists, their members, genre names, bytes of ids, bytes
of titles, bytes of genre names, first id."""
IDS, ITEMS = 1, 2
"""Contents: ids alone, or ids with the other columns of items."""
_NAMES = {IDS: "ids", ITEMS: "items"}
CONSECUTIVE, INTEGERS, TEXTS = 0, 1, 2
"""Kinds of ids."""
ALIGNMENT = 8
"""Every section starts at a multiple of so many bytes."""

_BLOCK = 2**16


def read_ids(content: Content, count: int, where: str) -> Ids:
    """Read a table of ``count`` user ids; BundleError naming the section if it is malformed."""
    table = _Table(content, where, IDS, count)
    ids = table.ids("user")
    table.end()
    return ids


def read_items(content: Content, count: int, where: str) -> Items:
    """Read a table of ``count`` items; BundleError naming the section if it is malformed."""
    table = _Table(content, where, ITEMS, count)
    ids = table.ids("item")
    titles = table.titles()
    genres = table.genres()
    popularity = table.popularity()
    table.end()
    return Items(ids, titles, genres, popularity)


class _Table:
    def __init__(self, content: Content, where: str, contents: int, count: int) -> None:
        self._content, self._where = content, where
        self._memory = content if isinstance(content, bytes) else content.mapped()
        self._position = HEADER.size
        if len(self._memory) < HEADER.size:
            self._fail("header", f"{HEADER.size} bytes", len(self._memory))
        magic, version, found, self._kind, self._rows, *sizes, self._first = HEADER.unpack_from(self._memory)
        self._lists, self._members, self._names, self._id_bytes, self._title_bytes, self._name_bytes = sizes
        if magic != MAGIC:
            self._fail("header", f"a table file, which begins with {MAGIC!r}", repr(magic))
        if version != VERSION:
            self._fail("version", f"{VERSION}, the only one that this version of hanji reads", version)
        if found != contents:
            self._fail("contents", f"{contents} ({_NAMES[contents]})", found)
        if self._rows != count:
            self._fail("rows", f"{count} (the manifest's count)", self._rows)

    def ids(self, kind: str) -> Ids:
        if self._kind == CONSECUTIVE:
            return self._consecutive(kind)
        if self._kind == INTEGERS:
            values = self._section("ids", "<i8", self._rows)
            self._require_within("ids", values, -LARGEST_INTEGER, LARGEST_INTEGER)
            column = Integers(values)
            return Ids(column, kind, self._order(column.__getitem__))
        if self._kind != TEXTS:
            self._fail("kind of ids", f"{CONSECUTIVE}, {INTEGERS} or {TEXTS}", self._kind)
        texts, _ = self._texts("ids", self._rows, self._id_bytes)
        find = self._order(texts.bytes_at)
        # A lone surrogate has no UTF-8: its bytes are found nowhere.
        return Ids(texts, kind, lambda text: find(text.encode(errors="surrogatepass")))

    def titles(self) -> Texts:
        texts, start = self._texts("titles", self._rows, self._title_bytes)
        if isinstance(self._content, bytes):
            return texts
        read = self._content.read
        return Texts(texts.offsets, lambda first, end: read(start + first, start + end))

    def genres(self) -> TextLists:
        rows = self._section("genres", "<u4", self._rows)
        self._require_within("genres", rows, 0, self._lists - 1)
        offsets = self._offsets("genre lists", self._lists, self._members)
        members = self._section("genre lists", "<u4", self._members)
        self._require_within("genre lists", members, 0, self._names - 1)
        names, _ = self._texts("genre names", self._names, self._name_bytes)
        return TextLists(rows, offsets, members, names)

    def popularity(self) -> NDArray[np.int64]:
        values = self._section("popularity", "<i8", self._rows)
        self._require_within("popularity", values, 0, LARGEST_INTEGER)
        return values

    def end(self) -> None:
        """Check that the file ends here, and let go of the pages that the checks have loaded."""
        if self._position != len(self._memory):
            self._fail("size", f"{self._position} bytes, according to its header", len(self._memory))
        if not isinstance(self._content, bytes):
            self._content.release()

    def _consecutive(self, kind: str) -> Ids:
        values = Consecutive(self._first, self._rows)
        if not -LARGEST_INTEGER <= values[0] <= values[-1] <= LARGEST_INTEGER:
            self._fail("first id", f"ids within ±{LARGEST_INTEGER}", values[0])
        return Ids(values, kind, values.find)

    def _order(self, value_at: Callable[[int], Any]) -> Callable[[Any], int | None]:
        """The function that finds an id, after a check that the ids are sorted by ``order`` and unique."""
        order = self._section("order of ids", "<u4", self._rows)
        self._require_within("order of ids", order, 0, self._rows - 1)
        found = np.zeros(self._rows, np.bool_)
        found[order] = True
        if not found.all():  # checked before a value is read, so that none is read twice
            self._fail_order()
        last: list[Any] = []
        for block in _blocks(order):
            values = [*last, *map(value_at, block.tolist())]
            if not all(map(operator.lt, values, values[1:])):
                self._fail_order()
            last = values[-1:]
        return binary_search(order, value_at)

    def _texts(self, name: str, rows: int, size: int) -> tuple[Texts, int]:
        """A column of strings, and where in the file its content begins."""
        offsets = self._offsets(name, rows, size)
        start = self._position
        content = self._section(name, "u1", size)
        self._check_text(name, offsets, content)
        memory = content.data
        return Texts(offsets, lambda first, end: bytes(memory[first:end])), start

    def _offsets(self, name: str, rows: int, size: int) -> NDArray[np.uint32]:
        offsets = self._section(f"offsets of {name}", "<u4", rows + 1)
        ascending = all((block[1:] >= block[:-1]).all() for block in _blocks(offsets, overlap=1))
        if offsets[0] != 0 or offsets[-1] != size or not ascending:
            self._fail(f"offsets of {name}", f"ascending offsets from 0 to {size}", "others")
        return offsets

    def _check_text(self, name: str, offsets: NDArray[np.uint32], content: NDArray[np.uint8]) -> None:
        """Check that the content is UTF-8 and that no offset is inside a character."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for block in _blocks(content):
                decoder.decode(block.tobytes())
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            self._fail(name, "UTF-8", "other bytes")
        for block in _blocks(offsets):
            inner = block[block < len(content)]
            if (content[inner] & 0xC0 == 0x80).any():  # the second or a later byte of a character
                self._fail(name, "strings of whole characters", "an offset inside a character")

    def _require_within(self, name: str, values: NDArray[Any], smallest: int, largest: int) -> None:
        if len(values) and not smallest <= int(values.min()) <= int(values.max()) <= largest:
            self._fail(name, f"integers from {smallest} to {largest}", "others")

    def _section(self, name: str, dtype: str, count: int) -> NDArray[Any]:
        size = np.dtype(dtype).itemsize * count
        start, end = self._position, self._position + size
        if end > len(self._memory):
            self._fail(name, f"{size} bytes from byte {start} on", max(len(self._memory) - start, 0))
        self._position = end + -end % ALIGNMENT
        return np.frombuffer(self._memory, dtype, count, start)

    def _fail_order(self) -> NoReturn:
        self._fail("ids", "unique ids in the order that the table states", "others")

    def _fail(self, name: str, expected: str, found: object) -> NoReturn:
        raise BundleError(
            f"{self._where}: {name}: expected {expected}, found {found}; export the bundle again"
        )


def _blocks(values: NDArray[Any], overlap: int = 0) -> Iterator[NDArray[Any]]:
    """Consecutive parts; each also has the first ``overlap`` values of the next one."""
    for start in range(0, len(values), _BLOCK):
        yield values[start : start + _BLOCK + overlap]
