"""Reads JSON objects field by field; every error names the file and the field.

JSON Schema validators are not available on devices, so this is a hand-written equivalent of the types used in
``manifest.schema.json``. Tests check that the two agree.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from hanji.runtime.errors import BundleError

LARGEST_JSON_BYTES = 2**27
"""Of a JSON file: a million items with titles have 100 MB, and to read them takes several times as much."""
DEEPEST_JSON = 200
"""Levels of arrays and objects, as in the other loaders; hanji writes up to 8."""
LARGEST_COUNT = 2**31 - 1
"""Of bytes, ids and parameters: tensors are indexed with int32, and model files are limited to 2 GiB."""
LARGEST_INTEGER = 2**53 - 1
"""The largest integer that JavaScript, which reads the same files, represents exactly."""

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse_json(content: bytes, where: str) -> Table:
    """Parse the JSON object in ``content``; BundleError if it is malformed. ``where`` names it in errors."""
    try:
        return Table(json_value(content), where)
    except ValueError as error:
        raise BundleError(f"{where}: not a valid JSON file: {error}; export the bundle again") from None


def json_value(content: bytes) -> Any:
    """The value of a JSON file.

    ValueError for malformed JSON, a key that occurs twice, and numbers that are infinite or too long.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("arrays or objects are nested too deep") from None


def expect_bounded(value: object, deepest: int = DEEPEST_JSON) -> None:
    """ValueError for arrays and objects of more than ``deepest`` levels."""
    if isinstance(value, (dict, list)):
        if not deepest:
            raise ValueError(f"arrays or objects are nested deeper than {DEEPEST_JSON} levels")
        for each in value.values() if isinstance(value, dict) else value:
            expect_bounded(each, deepest - 1)


class Table:
    """A JSON object and its location, for errors."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            _fail(where, "an object", value)
        self._fields: dict[str, object] = value
        self.where = where

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def fail(self, key: str, expected: str) -> NoReturn:
        """Raise the BundleError for a field with an unexpected value."""
        _fail(self._at(key), expected, self._fields[key])

    def text(self, key: str, *, shortest: int = 1) -> str:
        value = self._get(key)
        if not isinstance(value, str) or not shortest <= len(value) <= 1000:
            self.fail(key, f"a string of {shortest} to 1000 characters")
        return value

    def long_text(self, key: str) -> str:
        """A string of any length, such as base64 data."""
        value = self._get(key)
        if not isinstance(value, str):
            self.fail(key, "a string")
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        value = self._get(key)
        if not isinstance(value, str) or value not in choices:
            self.fail(key, "one of " + ", ".join(choices))
        return value

    def path(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str) or len(value) > 255 or not _PATH.fullmatch(value):
            self.fail(key, "a relative path inside the bundle (separated by '/', without '..')")
        return value

    def sha256(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            self.fail(key, "64 lowercase hex digits")
        return value

    def boolean(self, key: str) -> bool:
        value = self._get(key)
        if not isinstance(value, bool):
            self.fail(key, "true or false")
        return value

    def integer(self, key: str, smallest: int, largest: int) -> int:
        value = as_integer(self._get(key))
        if value is None or not smallest <= value <= largest:
            self.fail(key, f"an integer from {smallest} to {largest}")
        return value

    def count(self, key: str) -> int:
        return self.integer(key, 1, LARGEST_COUNT)

    def optional_integer(self, key: str, smallest: int, largest: int) -> int | None:
        return None if self._get(key) is None else self.integer(key, smallest, largest)

    def number(self, key: str, *, smallest: float = -math.inf, largest: float = math.inf) -> float:
        value = as_number(self._get(key))
        if value is None or not smallest <= value <= largest:
            bounds = f" of at least {smallest}" if largest == math.inf else f" from {smallest} to {largest}"
            self.fail(key, "a finite number" + ("" if smallest == -math.inf else bounds))
        return value

    def optional_scale(self, key: str) -> float | None:
        if self._get(key) is None:
            return None
        value = self.number(key)
        if value <= 0:
            self.fail(key, "a number above 0, or null")
        return value

    def array(self, key: str, *, shortest: int = 0) -> list[object]:
        value = self._get(key)
        if not isinstance(value, list) or len(value) < shortest:
            self.fail(key, f"an array of at least {shortest} entries" if shortest else "an array")
        return value

    def ids(self, key: str) -> tuple[int, ...] | tuple[str, ...]:
        """External ids: all integers or all strings, without duplicates."""
        values = self.array(key, shortest=1)
        if len(set(map(type, values)) - {int, float}) == 0:
            ids: list[Any] = [as_integer(value) for value in values]
            valid = all(isinstance(each, int) and abs(each) <= LARGEST_INTEGER for each in ids)
        else:
            ids, valid = values, set(map(type, values)) == {str}
        if not valid:
            self.fail(key, f"ids that are all strings or all integers within ±{LARGEST_INTEGER}")
        if len(set(ids)) != len(ids):
            self.fail(key, "unique ids")
        return tuple(ids)

    def id(self, key: str) -> int | str:
        value = self._get(key)
        found = value if isinstance(value, str) else as_integer(value)
        if found is None or (isinstance(found, int) and abs(found) > LARGEST_INTEGER):
            self.fail(key, f"an id: a string or an integer within ±{LARGEST_INTEGER}")
        return found

    def text_array(self, key: str) -> tuple[str, ...]:
        values = self.array(key)
        if not all(isinstance(value, str) for value in values):
            self.fail(key, "an array of strings")
        return tuple(values)  # type: ignore[arg-type]  # checked above

    def table(self, key: str) -> Table:
        return Table(self._get(key), self._at(key))

    def tables(self, key: str, *, shortest: int = 0) -> tuple[Table, ...]:
        values = self.array(key, shortest=shortest)
        return tuple(Table(value, f"{self._at(key)}[{index}]") for index, value in enumerate(values))

    def named_tables(self, key: str) -> dict[str, Table]:
        table = self.table(key)
        return {name: table.table(name) for name in table.keys}

    def texts(self, key: str) -> dict[str, str]:
        table = self.table(key)
        return {name: table.text(name) for name in table.keys}

    def numbers(self, key: str) -> dict[str, float]:
        table = self.table(key)
        return {name: table.number(name) for name in table.keys}

    def plain(self) -> Mapping[str, object]:
        """The object as read, for content that is displayed but not interpreted."""
        try:
            expect_bounded(self._fields)
        except ValueError as error:
            raise BundleError(f"{self.where}: {error}; export the bundle again") from None
        return self._fields

    def _get(self, key: str) -> object:
        if key not in self._fields:
            raise BundleError(f"{self._at(key)}: missing; export the bundle again")
        return self._fields[key]

    def _at(self, key: str) -> str:
        separator = ": " if self.where.endswith(".json") else "."
        return f"{self.where}{separator}{key}"


def as_integer(value: object) -> int | None:
    """The value as an int, or None if it is no integer. In JSON, 5.0 is the integer 5, and true is not 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_number(value: object) -> float | None:
    """The value as a finite float, or None if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e308:
        return None
    return float(value)


def _fail(where: str, expected: str, found: object) -> NoReturn:
    raise BundleError(f"{where}: expected {expected}, found {_short(found)}; export the bundle again")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"an array of length {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"the key {key!r:.60} occurs twice")
        fields[key] = value
    return fields


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.60} is not a finite number")
    return value
