"""Reads interactions from files of any layout: indices, ids and times, sorted by user and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hanji.training.errors import DataError
from hanji.training.recommenders.data.raw import CANONICAL_INTEGER, Coded, Ids
from hanji.training.recommenders.data.sources.engine import Engine, literal
from hanji.training.recommenders.data.sources.header import Header
from hanji.training.recommenders.data.sources.malformed import MalformedLines, malformed_in
from hanji.training.recommenders.data.sources.table import copy_columns
from hanji.training.recommenders.data.sources.values import Options, Rules, rules_for

_INTEGER = CANONICAL_INTEGER.pattern
_FLOAT = rf"({_INTEGER})\.0+"


@dataclass(frozen=True)
class InteractionFile:
    """A file of interactions: its header, and its columns by role (user, item, and perhaps rating, time)."""

    header: Header
    roles: Mapping[str, str]


@dataclass(frozen=True)
class Read:
    """The interactions of all files, and what was decided by looking at the values."""

    coded: Coded
    notes: tuple[str, ...]


def read_interactions(
    engine: Engine,
    files: Sequence[InteractionFile],
    malformed: MalformedLines,
    options: Options | None = None,
) -> Read:
    """Read files whose lines are interactions; malformed lines are left out and recorded.

    DataError if there are more of them than the limit, or no valid line.
    """
    split = [copy_columns(engine, "raw", file.header, file.roles) for file in files]
    malformed.lines += sum(copied.lines for copied in split)
    where = f"{files[0].header.file.path}: column {files[0].roles.get('time', '')!r}"
    rules = rules_for(engine, files[0].roles, where, options)
    _record_malformed(engine, files, rules, sum(copied.malformed for copied in split), malformed)
    spanning = engine.row(
        'SELECT count(*) FROM raw WHERE contains("user", chr(10)) OR contains(item, chr(10))'
    )[0]
    notes = [f"ids that span several lines, check the quotes: {spanning:,}"] if spanning else []
    return coded_interactions(engine, rules, [*notes, *rules.notes])


def coded_interactions(engine: Engine, rules: Rules, notes: Sequence[str]) -> Read:
    """The rows of ``raw``, all of them valid, as arrays."""
    users, user_note = _index(engine, "user")
    items, item_note = _index(engine, "item")
    rows = engine.row("SELECT count(*) FROM raw")[0]
    types: dict[str, type[np.generic]] = {"u": np.int32, "i": np.int32}
    types |= {"rating": np.float64} if rules.rating else {}
    types |= {"time": np.int64} if rules.time else {}
    arrays = {name: engine.array(name, rows, kind) for name, kind in types.items()}
    start = 0
    for batch in engine.batches(_sorted_query(rules)):
        for name, array in arrays.items():
            array[start : start + len(batch)] = batch.column(name).to_numpy(zero_copy_only=False)
        start += len(batch)
    coded = Coded(users, items, arrays["u"], arrays["i"], arrays.get("rating"), arrays.get("time"))
    return Read(coded, (*notes, *user_note, *item_note))


def _sorted_query(rules: Rules) -> str:
    """Indices, ratings and times, sorted by user, then by time, then in file order."""
    values = {"rating": rules.rating, "time": rules.time}
    selected = "".join(f", {sql} AS {name}" for name, sql in values.items() if sql)
    return (
        f"SELECT users.index AS u, items.index AS i{selected} FROM raw "
        'JOIN users ON users.raw = raw."user" JOIN items ON items.raw = raw.item '
        f"ORDER BY {'u, time, row' if rules.time else 'u, row'}"
    )


def keep_valid(engine: Engine, rules: Rules) -> tuple[int, int, int]:
    """Delete the malformed rows of ``raw``; the number of rows, of malformed ones, of bad times."""
    rows, bad, bad_but_time = engine.row(
        f"SELECT count(*), count(*) FILTER (NOT coalesce({rules.valid}, false)), "
        f"count(*) FILTER (NOT coalesce({rules.valid_but_time}, false)) FROM raw"
    )
    if bad:
        engine.run(f"DELETE FROM raw WHERE NOT coalesce({rules.valid}, false)")
    return rows, bad, bad - bad_but_time


def _record_malformed(
    engine: Engine, files: Sequence[InteractionFile], rules: Rules, split: int, malformed: MalformedLines
) -> None:
    """Count the malformed lines, and explain the first of them; DataError if none is valid."""
    rows, bad, bad_times = keep_valid(engine, rules)
    malformed.bad_times += bad_times
    count = bad + split
    if count:
        examples = (
            (file, example)
            for file in files
            for example in malformed_in(file.header, file.roles, rules.problem)
        )
        first_file, first = next(examples, (files[0], (0, "malformed")))
        if rows == bad:
            raise DataError(
                f"{first_file.header.file.path}: expected ratings, found no usable line: "
                f"{first_file.header.file.path.name}:{first[0]}: {first[1]}; check format and delimiter"
            )
        path = first_file.header.file.path
        malformed.add(path, count, iter([first, *(example for _, example in examples)]))
    elif not rows:
        raise DataError(
            f"{files[0].header.file.path}: expected ratings, found no usable line: there are only blank "
            "lines; check format and delimiter"
        )


def _index(engine: Engine, role: str) -> tuple[Ids, list[str]]:
    """Index the distinct ids, sorted, in the table ``users`` or ``items``; returns the ids by index.

    Ids are integers if all are written as such, or as floats without a fraction; else text as it is written.
    """
    engine.run(f'CREATE TABLE {role}_texts AS SELECT DISTINCT "{role}" AS raw FROM raw')
    integers, numbers = engine.row(
        f"SELECT bool_and(regexp_full_match(raw, {literal(_INTEGER)})), "
        f"bool_and(regexp_full_match(raw, {literal(f'{_INTEGER}|{_FLOAT}')})) FROM {role}_texts"
    )
    id_sql = "CAST(CAST(raw AS DOUBLE) AS BIGINT)" if numbers else "raw"
    engine.run(
        f"CREATE TABLE {role}s AS SELECT raw, {id_sql} AS id, "
        f"CAST(dense_rank() OVER (ORDER BY {id_sql}) - 1 AS INTEGER) AS index FROM {role}_texts"
    )
    column = engine.column(f"SELECT DISTINCT id FROM {role}s ORDER BY id")
    ids = column.to_numpy() if numbers else np.array(column.to_pylist(), dtype=object)
    return ids, [] if integers or not numbers else [f"{role} ids such as 43.0 are read as integers"]


__all__ = ["InteractionFile", "Read", "coded_interactions", "keep_valid", "read_interactions"]
