"""Reads interactions from files of any layout: indices, ids and times, sorted by user and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hanji.training.errors import DataError
from hanji.training.recommenders.data.raw import Coded
from hanji.training.recommenders.data.sources.duckdb_rows import DuckDbRows
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.malformed import MalformedLines, malformed_in
from hanji.training.recommenders.data.sources.rows import InteractionFile, Rows
from hanji.training.recommenders.data.sources.values import Options, Rules


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

    Spark reads them if the engine has it, else DuckDB. DataError if there are more malformed lines than the
    limit, or no valid line.
    """
    rows = _rows_of(engine, malformed)
    copied = rows.copy(files)
    malformed.lines += copied.lines
    where = f"{files[0].header.file.path}: column {files[0].roles.get('time', '')!r}"
    rules = rows.rules(files[0].roles, where, options or Options())
    _record_malformed(rows, files, rules, copied.malformed, malformed)
    spanning = rows.spanning()
    notes = [f"ids that span several lines, check the quotes: {spanning:,}"] if spanning else []
    return coded_interactions(rows, rules, [*notes, *rules.notes])


def _rows_of(engine: Engine, malformed: MalformedLines) -> Rows:
    if engine.spark is None:
        return DuckDbRows(engine)
    from hanji.training.recommenders.data.sources.spark.rows import SparkRows  # imports PySpark

    return SparkRows(engine, engine.spark, malformed.limit)


def coded_interactions(rows: Rows, rules: Rules, notes: Sequence[str]) -> Read:
    """The rows, all of them valid, as arrays."""
    indexed = {role: rows.index(role) for role in ("user", "item")}
    count, batches = rows.sorted(rules)
    types: dict[str, type[np.generic]] = {"u": np.int32, "i": np.int32}
    types |= {"rating": np.float64} if rules.rating else {}
    types |= {"time": np.int64} if rules.time else {}
    arrays = {name: rows.engine.array(name, count, kind) for name, kind in types.items()}
    start = 0
    for batch in batches:
        for name, array in arrays.items():
            array[start : start + len(batch)] = batch.column(name).to_numpy(zero_copy_only=False)
        start += len(batch)
    coded = Coded(
        indexed["user"].ids,
        indexed["item"].ids,
        arrays["u"],
        arrays["i"],
        arrays.get("rating"),
        arrays.get("time"),
        rules.clock,
    )
    floats = [f"{role} ids such as 43.0 are read as integers" for role, ids in indexed.items() if ids.floats]
    return Read(coded, (*notes, *floats))


def _record_malformed(
    rows: Rows, files: Sequence[InteractionFile], rules: Rules, split: int, malformed: MalformedLines
) -> None:
    """Count the malformed lines, and explain the first of them; DataError if none is valid."""
    found, bad, bad_times = rows.keep_valid(rules)
    malformed.bad_times += bad_times
    count = bad + split
    if count:
        examples = (
            (file, example)
            for file in files
            for example in malformed_in(file.header, file.roles, rules.problem)
        )
        first_file, first = next(examples, (files[0], (0, "malformed")))
        if found == bad:
            raise DataError(
                f"{first_file.header.file.path}: expected ratings, found no usable line: "
                f"{first_file.header.file.path.name}:{first[0]}: {first[1]}; check format and delimiter"
            )
        path = first_file.header.file.path
        malformed.add(path, count, iter([first, *(example for _, example in examples)]))
    elif not found:
        raise DataError(
            f"{files[0].header.file.path}: expected ratings, found no usable line: there are only blank "
            "lines; check format and delimiter"
        )


__all__ = ["Read", "coded_interactions", "read_interactions"]
