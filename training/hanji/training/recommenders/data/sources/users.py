"""Attributes of users, such as gender or age group, by which metrics are reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.raw import RawData, RawUsers
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.files import find_files
from hanji.training.recommenders.data.sources.header import Header, delimiter_beside, read_header
from hanji.training.recommenders.data.sources.items import ids_of, read_texts
from hanji.training.recommenders.data.sources.movielens import latin_or_utf8

MOST_VALUES = 12
"""Different values of an attribute that is used without being named."""

_MOVIELENS: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("movielens-1m", "users.dat"): ("::", ("user", "gender", "age", "occupation", "zip code")),
    ("movielens-100k", "u.user"): ("|", ("user", "age", "gender", "occupation", "zip code")),
}
"""Delimiter and columns of files without a header, by format and name."""


def with_users(raw: RawData, config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """``raw`` with the attributes in ``config.users``, if it names a file.

    Columns with more than MOST_VALUES values are not used unless ``user_attributes`` names them, which is
    noted: they are ids or numbers rather than groups. DataError for a missing file or column.
    """
    if config.users is None:
        return raw
    found: dict[str, dict[str, str]] = {}
    for header in _headers(raw.format, config, directory, engine):
        user = _user_column(config, header)
        named = [_column(header, name) for name in config.user_attributes]
        columns = named or [column for column in header.columns if column != user]
        roles = {"user": user} | {_short(column): column for column in columns if _short(column) != "user"}
        rows = read_texts(engine, header, roles, raw.malformed, key="user")
        ids = ids_of([row["user"] or "" for row in rows])
        values = [{name: row[name] or "" for name in roles if name != "user"} for row in rows]
        found |= dict(zip(ids, values, strict=True))
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    used = [name for name in names if config.user_attributes or _has_groups(found, name)]
    notes = [_left_out(found, name) for name in names if name not in used]
    texts = {user: tuple(values.get(name, "") for name in used) for user, values in found.items()}
    return replace(raw, users=RawUsers(tuple(used), texts), notes=(*raw.notes, *notes))


def _headers(format: str, config: DataConfig, directory: Path, engine: Engine) -> list[Header]:
    name = str(config.users)
    if (format, name) in _MOVIELENS:
        delimiter, columns = _MOVIELENS[format, name]
        find_files(directory, name, config.encoding, engine)  # reports a missing file
        return [Header(latin_or_utf8(directory / name), columns, delimiter, 1, plain=True)]
    wanted = [column for column in (config.users_id_column, *config.user_attributes) if column]
    return [
        read_header(file, wanted, delimiter_beside(config.delimiter))
        for file in find_files(directory, name, config.encoding, engine)
    ]


def _user_column(config: DataConfig, header: Header) -> str:
    if config.users_id_column is not None:
        return header.column(config.users_id_column)
    by_name = (config.user_column, header.find("user"), *header.columns)
    known = {name for name in by_name[:2] if name} | {"id"}
    column = next((name for name in by_name if name in header.columns and name in known), None)
    if column is None:
        raise DataError(f"{header.missing('user')}; set data.users_id_column")
    return column


def _column(header: Header, name: str) -> str:
    """The column of this name, with or without its type as RecBole has it."""
    return next((column for column in header.columns if _short(column) == name), None) or header.column(name)


def _short(column: str) -> str:
    return column.partition(":")[0]


def _values(found: Mapping[str, Mapping[str, str]], name: str) -> set[str]:
    return {values[name] for values in found.values() if values.get(name)}


def _has_groups(found: Mapping[str, Mapping[str, str]], name: str) -> bool:
    return 2 <= len(_values(found, name)) <= MOST_VALUES


def _left_out(found: Mapping[str, Mapping[str, str]], name: str) -> str:
    count = len(_values(found, name))
    return (
        f"column {name!r} of the users file has {count:,} different values, not 2 to {MOST_VALUES}: not "
        "used, unless data.user_attributes names it"
    )


__all__ = ["MOST_VALUES", "with_users"]
