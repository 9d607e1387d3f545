"""Conversion of TOML tables to frozen dataclasses.

An unknown key is an error that lists the valid ones; a value of the wrong type or out of range is an error
that names the file and the table. Ranges and units are part of a field's type, such as ``Annotated[int,
Ge(1), Unit("epochs")]``; ``check_ranges``, called by ``__post_init__``, and the recipe reference read them
from there.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import operator
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Le, Lt

from hanji.runtime.json_table import expect_bounded
from hanji.training.errors import RecipeError
from hanji.training.regular_files import regular_file

Settings = TypeVar("Settings")

Count = Annotated[int, Ge(1)]
Fraction = Annotated[float, Interval(ge=0.0, lt=1.0)]
Positive = Annotated[float, Gt(0.0)]
Seed = Annotated[int, Interval(ge=0, lt=2**32)]

_ORDINARY = "a finite number, or an integer of at most 64 bits"

Bound = Ge | Gt | Le | Lt
_BOUNDS: dict[type[Bound], tuple[str, Callable[[Any, Any], bool], str]] = {
    Ge: ("ge", operator.ge, "at least"),
    Gt: ("gt", operator.gt, "above"),
    Le: ("le", operator.le, "at most"),
    Lt: ("lt", operator.lt, "below"),
}


LARGEST_TOML_BYTES = 2**20
"""Of a recipe or study: the largest of the examples has 3 kB, and the parser takes seconds for megabytes."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; RecipeError if it is missing, malformed, too large or nested too deep."""
    try:
        with regular_file(path).open("rb") as file:
            content = file.read(LARGEST_TOML_BYTES + 1)
        if len(content) > LARGEST_TOML_BYTES:
            raise ValueError(f"expected at most {LARGEST_TOML_BYTES:,} bytes, found more")
        table: dict[str, Any] = tomllib.loads(content.decode())
        expect_bounded(table)
        return table
    except FileNotFoundError:
        raise RecipeError(
            f"{path}: no such file; the recipes that come with hanji are in examples/"
        ) from None
    except ValueError as error:  # also a number of thousands of digits
        raise RecipeError(f"{path}: not a valid TOML file: {error}") from None
    except RecursionError:
        raise RecipeError(f"{path}: not a valid TOML file: arrays or tables are nested too deep") from None


def settings_from(cls: type[Settings], table: Mapping[str, Any], where: str) -> Settings:
    """An instance of the dataclass ``cls`` from one TOML table; ``where`` names it in errors."""
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where}: expected a table of settings, found {table!r}")
    table = _renamed(cls, table)
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in table:
        if key not in names:
            raise RecipeError(_removed_key(cls, key, where) or _unknown_key(key, names, where))
    for key in (field.name for field in dataclasses.fields(cls) if _is_required(field)):  # type: ignore[arg-type]
        if key not in table:
            raise RecipeError(f"{where}: the key {key!r} is missing, and it has no default")
    values = {key: _coerced(value, hints[key], f"{where}.{key}") for key, value in table.items()}
    try:
        settings = cls(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {error}") from None
    for key, value in values.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and "\0" in text:
                raise RecipeError(f"{where}.{key}: expected text, found a zero character in {_short(text)}")
    return settings


def _renamed(cls: type[Settings], table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table with keys of earlier versions replaced by their current names."""
    current: Mapping[str, str] = getattr(cls, "renamed_keys", {})
    return {current.get(key, key): value for key, value in table.items()}


def _removed_key(cls: type[Settings], key: str, where: str) -> str | None:
    """What to do about a key of earlier versions; None if ``key`` was never one."""
    advice: str | None = getattr(cls, "removed_keys", {}).get(key)
    return advice and f"{where}: the key {key!r} of earlier versions was removed; {advice}"


def check_ranges(settings: Any) -> None:
    """ValueError for the first field whose value is outside the range that its type declares.

    None is always valid; the elements of a tuple are checked individually. Whatever the range, a float is
    finite and an integer has at most 64 bits.
    """
    for name, hint in field_types(type(settings)).items():
        value = getattr(settings, name)
        values = value if isinstance(value, tuple) else (value,)
        bounds = list(bounds_of(hint))
        if any(found is not None and not _within(found, bounds) for found in values):
            shown = list(value) if isinstance(value, tuple) else value
            each = " each" if isinstance(value, tuple) else ""
            raise ValueError(f"{name}: expected {range_in_words(bounds)}{each}, found {_short(shown)}")
        if not all(map(_is_ordinary, values)):
            raise ValueError(f"{name}: expected {_ORDINARY}, found {_short(value)}")


def check_name(name: str) -> None:
    """ValueError for a name that does not name a file, as results are written to a directory of this name."""
    if not name.strip(". ") or any(character in name for character in "/\\\0"):
        raise ValueError(
            f"name: expected a name without / and \\ that is not empty or only dots, found {name!r}; the "
            "output directory is named after it"
        )


def field_types(cls: type[Any]) -> dict[str, Any]:
    """The type of each field including ``Annotated`` metadata, inherited fields first."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def bounds_of(hint: Any) -> Iterator[Bound]:
    """The bounds that a type declares, for itself or for its elements."""
    for metadata in metadata_of(hint):
        parts = metadata if isinstance(metadata, GroupedMetadata) else (metadata,)
        yield from (part for part in parts if isinstance(part, Ge | Gt | Le | Lt))


def metadata_of(hint: Any) -> Iterator[Any]:
    """The ``Annotated`` metadata of a type, of the members of a union or of the elements of a tuple."""
    if typing.get_origin(hint) is Annotated:
        yield from hint.__metadata__
        hint = hint.__origin__
    if typing.get_origin(hint) in (types.UnionType, typing.Union, tuple):
        for argument in typing.get_args(hint):
            yield from metadata_of(argument)


def range_in_words(bounds: list[Bound]) -> str:
    """The bounds as text, such as "at least 0 and below 1"; empty without bounds."""
    parts = ((_BOUNDS[type(bound)], bound) for bound in bounds)
    return " and ".join(f"{words} {_number(getattr(bound, name))}" for (name, _, words), bound in parts)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _is_ordinary(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) < 2**63
    return not isinstance(value, numbers.Real) or math.isfinite(value)


def _short(value: Any) -> str:
    try:
        return f"{value!r:.60}"
    except ValueError:  # an integer too long to be written
        return "a longer number"


def _within(value: Any, bounds: list[Bound]) -> bool:
    parts = ((_BOUNDS[type(bound)], bound) for bound in bounds)
    return all(holds(value, getattr(bound, name)) for (name, holds, _), bound in parts)


def table_from(settings: Any) -> dict[str, Any]:
    """The TOML/JSON-ready table of a settings dataclass: tuples become lists, None is left out."""
    table = dataclasses.asdict(settings)
    return {key: _plain(value) for key, value in table.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return value


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unknown_key(key: str, names: list[str], where: str) -> str:
    close = difflib.get_close_matches(key, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{where}: unknown key {key!r}{hint}; the valid keys are {', '.join(names)}"


def _coerced(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        return _coerced(value, choices[0], where)
    if origin is typing.Literal:
        allowed = typing.get_args(hint)
        if value not in allowed:
            raise RecipeError(f"{where}: expected one of {', '.join(map(repr, allowed))}, found {value!r}")
        return value
    if origin is tuple:
        return _coerced_tuple(value, typing.get_args(hint)[0], where)
    if origin in (dict, Mapping) or hint is dict:
        return _expected(value, dict, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and _is_ordinary(value):
        return float(value)
    return _expected(value, hint, where)


def _coerced_tuple(value: Any, item_hint: Any, where: str) -> tuple[Any, ...]:
    items = _expected(value, list, where)
    return tuple(_coerced(item, item_hint, f"{where}[{index}]") for index, item in enumerate(items))


def _expected(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise RecipeError(f"{where}: expected a {kind.__name__}, found {_short(value)}")
    if not _is_ordinary(value):
        raise RecipeError(f"{where}: expected {_ORDINARY}, found {_short(value)}")
    return value
