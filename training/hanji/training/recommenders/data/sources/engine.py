"""DuckDB, which reads, joins and sorts tables larger than memory: it spills to a temporary directory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.memory import available_memory

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from hanji.training.spark import Spark

_BATCH_ROWS = 1 << 20
_SHARE = 8  # of the memory that may be used; the arrays that are read need some, too
_LEAST_BYTES = 1 << 28
_LARGE_BYTES = 1 << 28


@dataclass(frozen=True)
class Engine:
    """A connection to a temporary database, and a directory for temporary files that is removed with it."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    spark: Spark | None = None
    """Reads the interactions in its place; titles and samples are still read by DuckDB."""

    def run(self, sql: str, *values: object) -> duckdb.DuckDBPyConnection:
        """Execute a statement with ``values`` for its question marks; DataError if memory or disk is full."""
        with _readable():
            return self.connection.execute(sql, list(values))

    def row(self, sql: str, *values: object) -> tuple[Any, ...]:
        """The only row of a query, such as one of counts."""
        return self.run(sql, *values).fetchall()[0]

    def column(self, sql: str) -> pa.ChunkedArray:
        """The only column of a query."""
        with _readable():
            return self.connection.sql(sql).to_arrow_table().column(0)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, in batches."""
        with _readable():
            yield from self.connection.sql(sql).to_arrow_reader(_BATCH_ROWS)

    def array(self, name: str, rows: int, dtype: type[np.generic]) -> NDArray[Any]:
        """A new array; a large one is in a temporary file, so that the system can move it out of memory."""
        if rows * np.dtype(dtype).itemsize <= _LARGE_BYTES:
            return np.empty(rows, dtype)
        return np.memmap(self.scratch / f"{name}.array", dtype, "w+", shape=(rows,))


@contextmanager
def _readable() -> Iterator[None]:
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"the data cannot be read: {reason}; free memory or disk space") from None


@contextmanager
def open_engine(spark: Spark | None = None) -> Iterator[Engine]:
    """An engine without data, whose temporary files are removed at the end; it uses no network."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="hanji-data-") as scratch:
        config: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "temp_directory": f"{scratch}/spill",
            "memory_limit": f"{max(available_memory() // _SHARE, _LEAST_BYTES)}B",
        }
        with duckdb.connect(f"{scratch}/data.duckdb", config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            yield Engine(connection, Path(scratch), spark)


def identifier(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


__all__ = ["Engine", "identifier", "literal", "open_engine"]
