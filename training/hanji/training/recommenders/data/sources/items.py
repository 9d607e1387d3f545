"""Titles and genres of items, in the forms in which people have them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hanji.training.recommenders.data.raw import ItemText
from hanji.training.recommenders.data.sources.engine import Engine, identifier
from hanji.training.recommenders.data.sources.header import Header
from hanji.training.recommenders.data.sources.malformed import MalformedLines, malformed_in
from hanji.training.recommenders.data.sources.table import copy_columns

SEPARATORS = ("|", ";", ",")
_NO_GENRES = {"(no genres listed)", "nan", "none", "null", "n/a", "\\n"}
_FLOAT_ID = re.compile(r"(0|-?[1-9][0-9]{0,14})\.0+")


def read_item_texts(
    engine: Engine,
    header: Header,
    columns: Mapping[str, str],
    malformed: MalformedLines,
    *,
    separator: str | None = None,
) -> dict[str, ItemText]:
    """Titles and genres by item id as text; lines without an id are malformed and left out.

    ``columns`` are the columns by role: item, title and perhaps genres. Genres may be a list, in JSON or as
    Python writes it, of texts or of objects with a name; else they are divided by the ``separator``, or
    without one by the first of pipe, semicolon and comma that occurs in any of them.
    """
    rows = read_texts(engine, header, columns, malformed, key="item")
    genres = genres_of_all([row.get("genres") or "" for row in rows], separator)
    ids = ids_of([row["item"] or "" for row in rows])
    return {
        item: ItemText(row.get("title") or "", names)
        for item, row, names in zip(ids, rows, genres, strict=True)
    }


def read_texts(
    engine: Engine, header: Header, columns: Mapping[str, str], malformed: MalformedLines, *, key: str
) -> list[dict[str, str | None]]:
    """The columns of each line that has an id, which is in the column ``key``."""
    engine.run("DROP TABLE IF EXISTS texts")
    copied = copy_columns(engine, "texts", header, columns)
    names, id = ", ".join(identifier(name) for name in columns), identifier(key)
    found = engine.run(f"SELECT {names} FROM texts WHERE {id} IS NOT NULL ORDER BY row").fetchall()
    if bad := copied.lines - len(found):
        examples = malformed_in(header, columns, lambda values: "" if values[key] else f"{key} is empty")
        malformed.add(header.file.path, bad, examples)
    return [dict(zip(columns, row, strict=True)) for row in found]


def genres_of_all(texts: Sequence[str], separator: str | None) -> list[tuple[str, ...]]:
    """The genres in each text; without a ``separator``, one that occurs in any of them is used."""
    plain = [text for text in texts if not text.startswith("[")]
    separator = separator or next((each for each in SEPARATORS if any(each in text for text in plain)), "|")
    return [genres_of(text, separator) for text in texts]


def genres_of(text: str, separator: str) -> tuple[str, ...]:
    """The genres in a text, without repetitions: a list, or names between separators."""
    listed = _listed(text)
    names: Iterable[str] = text.split(separator) if listed is None else map(_name, listed)
    stripped = (name.strip() for name in names)
    return tuple(dict.fromkeys(name for name in stripped if name and name.lower() not in _NO_GENRES))


def _listed(text: str) -> list[Any] | None:
    """The list that a text is, in JSON or as a Python literal; None if it is no list."""
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def _name(value: object) -> str:
    if isinstance(value, dict):
        texts = [text for text in value.values() if isinstance(text, str)]
        return str(value.get("name") or (texts[0] if texts else ""))
    return "" if value is None else str(value)


def ids_of(texts: Sequence[str]) -> list[str]:
    """Ids without the fraction that a float column adds to integers, if all of them have it."""
    matches = [_FLOAT_ID.fullmatch(text) for text in texts]
    return [match[1] for match in matches if match] if all(matches) else list(texts)


__all__ = ["genres_of_all", "ids_of", "read_item_texts", "read_texts"]
