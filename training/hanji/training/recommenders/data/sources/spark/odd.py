"""Lines that are not in the strict form which Spark reads: DuckDB judges whether they are malformed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.duckdb_rows import DuckDbRows
from hanji.training.recommenders.data.sources.engine import Engine, identifier
from hanji.training.recommenders.data.sources.files import SourceFile
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.spark import OTHERWISE
from hanji.training.recommenders.data.sources.values import Rules


def expect_malformed(
    engine: Engine, files: Sequence[InteractionFile], rules: Rules, rows: Sequence[Any]
) -> int:
    """DataError if one of ``rows`` is not malformed; the number of those whose only problem is their time.

    Each row has the number of its ``file`` and its texts by role, or its ``line`` if it was not split.
    """
    bad_times = 0
    for number, file in enumerate(files):
        own = [row for row in rows if row["file"] == number]
        for some in ([row for row in own if row["line"] is None], [row for row in own if row["line"]]):
            if some:
                bad_times += _judge(engine, file, rules, some)
    return bad_times


def _judge(engine: Engine, file: InteractionFile, rules: Rules, rows: Sequence[Any]) -> int:
    """``expect_malformed`` for rows of a file, all of them with a line or all of them without."""
    engine.run("DELETE FROM raw")
    reader = DuckDbRows(engine)
    if rows[0]["line"] is None:
        _insert(engine, file, rows)
    else:
        path = engine.scratch / f"odd-{len(list(engine.scratch.iterdir()))}.text"
        path.write_bytes("".join(f"{row['line']}\n" for row in rows).encode())
        odd = replace(file.header, file=SourceFile(path, file.header.file.kind), first_line=1)
        if _lines_of(reader, replace(file, header=odd)) != len(rows):
            raise DataError(
                f"{file.header.file.path}: Spark does not divide the file into lines as DuckDB does, near "
                f"{rows[0]['line'][:60]!r}; use LF or CR LF at the ends of lines, or {OTHERWISE}"
            )
    found, bad, bad_times = reader.keep_valid(rules)
    if found > bad:
        raise _refused(engine, file)
    return bad_times


def _lines_of(reader: DuckDbRows, file: InteractionFile) -> int | None:
    """The number of lines that DuckDB finds in a file, whose rows it copies; None if it cannot read it."""
    try:
        return reader.copy([file]).lines
    except DataError:
        return None


def _insert(engine: Engine, file: InteractionFile, rows: Sequence[Any]) -> None:
    names = ", ".join(identifier(role) for role in file.roles)
    marks = ", ".join("?" for _ in file.roles)
    values = [[row[role] for role in file.roles] for row in rows]
    engine.connection.executemany(f"INSERT INTO raw ({names}) VALUES ({marks})", values)


def _refused(engine: Engine, file: InteractionFile) -> DataError:
    names = ", ".join(identifier(role) for role in file.roles)
    values = engine.run(f"SELECT {names} FROM raw LIMIT 1").fetchall()[0]
    found = ", ".join(f"{role} {value!r}" for role, value in zip(file.roles, values, strict=True))
    return DataError(
        f"{file.header.file.path}: Spark does not read values such as these as DuckDB does: {found}; write "
        f"them in the usual way (plain ids, times in ISO 8601, fields quoted as a whole), or {OTHERWISE}"
    )


__all__ = ["expect_malformed"]
