"""Columns of Parquet files as texts that are those of DuckDB, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as fn

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.spark import FINE, ODD, OTHERWISE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column

_EXACT = 1e15
"""Whole numbers up to here are written with all their digits."""


def parquet_types(file: InteractionFile) -> dict[str, pa.DataType]:
    """The types of the columns by role; DataError for one whose texts Spark would write in its own way."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(file.header.file.path)
    types = {role: schema.field(name).type for role, name in file.roles.items()}
    for role, kind in types.items():
        if not _is_served(kind, is_time=role == "time"):
            raise DataError(
                f"{file.header.file.path}: column {file.roles[role]!r} has the type {kind}, which Spark does "
                f"not read as DuckDB does; convert it, or {OTHERWISE}"
            )
    return types


def parquet_texts(file: InteractionFile) -> tuple[Column, dict[str, Column]]:
    """State and texts of a row: ODD for a float id that is not a whole number, else FINE."""
    import pyarrow as pa

    texts, odd = {}, fn.lit(False)
    for role, kind in parquet_types(file).items():
        column = fn.col(f"`{file.roles[role].replace('`', '``')}`")
        text = column.cast("string")
        if pa.types.is_floating(kind) and role in ("user", "item"):
            whole = (column == fn.floor(column)) & (fn.abs(column) < _EXACT) & (text != "-0.0")
            odd |= column.isNotNull() & ~whole
            text = fn.when(whole, fn.concat(fn.floor(column).cast("bigint").cast("string"), fn.lit(".0")))
            text = text.otherwise(column.cast("string"))
        texts[role] = text
    return fn.when(odd, ODD).otherwise(FINE), texts


def _is_served(kind: pa.DataType, *, is_time: bool) -> bool:
    import pyarrow as pa

    of = pa.types
    if of.is_dictionary(kind):
        kind = kind.value_type
    if of.is_timestamp(kind):
        return is_time and kind.unit in ("ms", "us")
    plain = (of.is_integer, of.is_string, of.is_large_string, of.is_decimal, of.is_date32, of.is_boolean)
    return of.is_float32(kind) or of.is_float64(kind) or any(check(kind) for check in plain)
