"""The rows of interactions in Spark.

What the values mean is decided by DuckDB, by the same code, from rows that decide the same as all of them:
the first ones, and one with a fractional time if there is any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import functions as fn

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.duckdb_rows import DuckDbRows
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.files import wrong_encoding
from hanji.training.recommenders.data.sources.rows import FLOAT, INTEGER, Indexed, InteractionFile
from hanji.training.recommenders.data.sources.spark import (
    BLANK,
    FINE,
    NOT_UTF8,
    OPEN_QUOTE,
    OTHERWISE,
    values,
)
from hanji.training.recommenders.data.sources.spark.odd import expect_malformed
from hanji.training.recommenders.data.sources.spark.scan import PLACE, ROLES, scan
from hanji.training.recommenders.data.sources.table import Copied
from hanji.training.recommenders.data.sources.values import SAMPLE, Options, Rules
from hanji.training.spark import Spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

_ROW_BITS = 33  # of monotonically_increasing_id; the others are the number of the partition
_BATCH_ROWS = 1 << 20


class SparkRows:
    """``Rows`` in a table of Spark; ``engine`` decides, judges unusual lines, and has the arrays."""

    def __init__(self, engine: Engine, spark: Spark, malformed_limit: int) -> None:
        self.engine = engine
        self._spark = spark
        self._limit = malformed_limit
        self._tables = Path(mkdtemp(dir=spark.shared))
        self._files: Sequence[InteractionFile] = ()
        self._count = 0
        self._raw: DataFrame
        self._valid: DataFrame

    def copy(self, files: Sequence[InteractionFile]) -> Copied:
        """Scan the files; DataError for a file or a line that Spark does not read."""
        self._files = files
        self._raw = scan(self._spark, files).where(fn.col("state") != BLANK)
        refused = (NOT_UTF8, OPEN_QUOTE)
        counts = [fn.count_if(fn.col("state") == state) for state in refused]
        self._count, *found = self._raw.select(fn.count("state"), *counts).collect()[0]
        for state, count in zip(refused, found, strict=True):
            if count:
                raise self._refused(state)
        return Copied(self._count, 0)

    def _refused(self, state: int) -> DataError:
        """The error for the first line in this state."""
        found = self._raw.where(fn.col("state") == state).orderBy(*PLACE).select("file", "line").limit(1)
        number, line = found.collect()[0]
        file = self._files[number].header.file
        if state == NOT_UTF8:
            return wrong_encoding(file)
        return DataError(
            f"{file.path}: Spark reads a record in each line, and here a quote is opened and not closed: "
            f"{line[:60]!r}; close it, convert the file to Parquet, or {OTHERWISE}"
        )

    def rules(self, roles: Mapping[str, str], where: str, options: Options) -> Rules:
        """``rules_for`` rows that decide the same as all of them."""
        self._to_engine(self._deciding(roles, options))
        return DuckDbRows(self.engine).rules(roles, where, options)

    def _deciding(self, roles: Mapping[str, str], options: Options) -> list[Any]:
        found = []
        for role in ("rating", "time"):
            if role in roles:
                known = self._raw.where(fn.col(role).isNotNull()).orderBy(*PLACE)
                found += known.select(*ROLES).limit(SAMPLE).collect()
        if "time" in roles:
            number = values.number("time")
            is_fraction = number != fn.floor(number)
            # A format without dates would not be served, which is not to be stated for times as numbers.
            is_fraction |= values.moment(options.time_format)[1] > 0
            found += self._raw.where(is_fraction).select(*ROLES).limit(1).collect()
        return found

    def _to_engine(self, rows: Sequence[Any]) -> None:
        """Make ``rows`` the table ``raw`` of the engine."""
        import pyarrow as pa

        columns = {"row": pa.array(range(len(rows)), pa.int64())}
        columns |= {role: pa.array([row[role] for row in rows], pa.string()) for role in ROLES}
        self.engine.connection.register("rows", pa.table(columns))
        self.engine.run("CREATE OR REPLACE TABLE raw AS SELECT * FROM rows")
        self.engine.connection.unregister("rows")

    def keep_valid(self, rules: Rules) -> tuple[int, int, int]:
        """Delete the malformed rows; DataError if DuckDB finds that one of them is not malformed."""
        users, items = (values.identifier_of(role, rules) for role in ("user", "item"))
        rating = values.number("rating", comma=rules.decimal_comma) if rules.rating else None
        time = values.time(rules)
        known = {"user": users, "item": items, "rating": rating, "time": time}
        selected = {name: value for name, value in known.items() if value is not None}
        is_valid = fn.col("state") == FINE
        for value in selected.values():
            is_valid &= value.isNotNull()
        is_valid = fn.coalesce(is_valid, fn.lit(False))
        self._valid = self._raw.where(is_valid).select(
            *PLACE, *(value.alias(name) for name, value in selected.items())
        )
        self._valid = self._valid.persist()  # as values, which are read several times
        bad = self._raw.select(fn.count_if(~is_valid)).collect()[0][0]
        rows, self._count = self._count, self._count - bad
        if not bad:
            return rows, 0, 0
        some = self._raw.where(~is_valid).orderBy(*PLACE).limit(self._limit + 1).collect()
        return rows, bad, expect_malformed(self.engine, self._files, rules, some)

    def spanning(self) -> int:
        """The number of rows with an id that spans several lines."""
        has_end = fn.contains("user", fn.lit("\n")) | fn.contains("item", fn.lit("\n"))
        found: int = self._valid.where(has_end).count()
        return found

    def index(self, role: str) -> Indexed:
        """Write the sorted distinct ids as a table; their places in it are the indices."""
        integers, numbers = self._valid.select(
            fn.every(values.matches(fn.col(role), INTEGER)),
            fn.every(values.matches(fn.col(role), f"{INTEGER}|{FLOAT}")),
        ).collect()[0]
        if numbers:
            self._valid = self._valid.withColumn(role, fn.col(role).cast("double").cast("bigint"))
        ids = self._valid.select(fn.col(role).alias("id")).distinct().orderBy("id")
        part = fn.shiftright(fn.monotonically_increasing_id(), _ROW_BITS)
        row = fn.monotonically_increasing_id().bitwiseAND(fn.lit((1 << _ROW_BITS) - 1))
        ids.select("id", part.alias("part"), row.alias("row")).write.parquet(self._path(role))
        table = _read(self._tables / role)
        known = table.column("id")
        array = known.to_numpy() if numbers else np.array(known.to_pylist(), dtype=object)
        return Indexed(array, numbers and not integers)

    def sorted(self, rules: Rules) -> tuple[int, Iterator[pa.RecordBatch]]:
        """The rows sorted by user, then time, then file order, written as a table and read from it."""
        values_known = [name for name in ("rating", "time") if name in self._valid.columns]
        rows = self._valid
        for role, name in (("user", "u"), ("item", "i")):
            rows = rows.join(self._indices(role).withColumnsRenamed({"id": role, "index": name}), role)
        order = ["u", *(["time"] if rules.time else []), *PLACE]
        rows.orderBy(*order).select("u", "i", *values_known).write.parquet(self._path("sorted"))
        files = _parts(self._tables / "sorted")
        count = sum(_rows_in(file) for file in files)
        if count != self._count:
            raise DataError(
                f"Spark: expected {self._count:,} rows in {self._tables}, found {count:,}; workers and "
                "this machine must share the directory of the output"
            )
        return count, _batches(files)

    def _indices(self, role: str) -> DataFrame:
        """The ids of a role with their ``index``."""
        table = _read(self._tables / role, ["part"])
        parts, counts = np.unique(table.column("part").to_numpy(), return_counts=True)
        starts = np.cumsum(counts) - counts
        known = [fn.lit(int(each)) for pair in zip(parts, starts, strict=True) for each in pair]
        start: Column = fn.element_at(fn.create_map(*known), fn.col("part").cast("int"))
        ids = self._spark.session.read.parquet(self._path(role))
        return ids.select("id", (fn.col("row") + start).cast("int").alias("index"))

    def _path(self, name: str) -> str:
        return (self._tables / name).as_uri()


def _parts(directory: Path) -> list[Path]:
    """The files of a table, in the order of its rows."""
    return sorted(directory.glob("part-*"))


def _read(directory: Path, columns: Sequence[str] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [pq.ParquetFile(part).read(columns) for part in _parts(directory)]
    if not tables:
        raise DataError(
            f"Spark: expected a table in {directory}, found none; workers and this machine must share the "
            "directory of the output"
        )
    return pa.concat_tables(tables)


def _rows_in(file: Path) -> int:
    import pyarrow.parquet as pq

    rows: int = pq.read_metadata(file).num_rows
    return rows


def _batches(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    for file in files:
        yield from pq.ParquetFile(file).iter_batches(_BATCH_ROWS)


__all__ = ["SparkRows"]
