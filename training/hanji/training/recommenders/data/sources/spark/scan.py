"""Source files as one table of Spark: texts by role, with their place in the files.

Only what Spark and DuckDB are known to read alike is read here: a line that differs from the strict form of
its format is ``ODD`` and left to DuckDB to judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from pyspark.sql import functions as fn
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.header import Header
from hanji.training.recommenders.data.sources.malformed import MOST_CHARACTERS
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.spark import (
    BLANK,
    FINE,
    NOT_UTF8,
    ODD,
    OPEN_QUOTE,
    OTHERWISE,
)
from hanji.training.recommenders.data.sources.spark.parquet import parquet_texts, parquet_types
from hanji.training.spark import Spark

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ROLES = ("user", "item", "rating", "time")
PLACE = ("file", "block", "place")
"""Number of the file, start of a part of it, and position there: together the order of the rows."""

_GLOB = r"\*?[]{}"
_SPACES = " \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
"""What DuckDB's trim removes: the separators of Unicode's category Zs, and not tabs."""


def scan(spark: Spark, files: Sequence[InteractionFile]) -> DataFrame:
    """A row for each line: its PLACE, ``state``, texts by role, and ``line`` where the state is ODD.

    DataError for a file that Spark does not read.
    """
    for file in files:
        _expect_served(file.header)
    numbered = sorted(enumerate(files), key=lambda each: _layout(each[1]))
    groups = [list(group) for _, group in groupby(numbered, key=lambda each: _layout(each[1]))]
    return reduce(lambda one, two: one.unionByName(two), [_scan_alike(spark, group) for group in groups])


def _expect_served(header: Header) -> None:
    path, problem = header.file.path, ""
    if header.file.kind != "parquet" and header.file.encoding != "utf-8":
        problem = f"text in {header.file.encoding}; save the file as UTF-8"
    elif header.file.kind != "parquet" and path.suffix == ".zst":
        problem = "text that is compressed by Zstandard; compress it by gzip, or convert it to Parquet"
    elif path.name.startswith(("_", ".")):
        problem = "files with names that begin with _ or a point; rename it"
    if problem:
        raise DataError(f"{path}: Spark does not read {problem}, or {OTHERWISE}")


def _layout(file: InteractionFile) -> str:
    """The same text for files that one scan can read."""
    header = file.header
    types = parquet_types(file) if header.file.kind == "parquet" else ""
    how = (header.file.kind, header.columns, header.delimiter, header.first_line, header.plain)
    return repr((*how, sorted(file.roles.items()), types))


def _scan_alike(spark: Spark, numbered: Sequence[tuple[int, InteractionFile]]) -> DataFrame:
    """The rows of files with the same layout, given with their numbers."""
    file = numbered[0][1]
    paths = {str(each.header.file.path.absolute()): number for number, each in numbered}
    reader = spark.session.read.option("recursiveFileLookup", "true")
    escaped = ["".join(f"\\{c}" if c in _GLOB else c for c in path) for path in paths]
    if file.header.file.kind == "parquet":
        table = reader.parquet(*escaped)
        state, texts = parquet_texts(file)
        rows = table.select(*_place(table, paths), state.alias("state"), *_by_role(texts), _no_text("line"))
        return rows.persist()
    table = reader.option("lineSep", "\n").text(escaped)
    lines = table.select(*_place(table, paths), fn.rtrim("value", fn.lit("\r")).alias("line"))
    parsed, state, texts = _json(file) if file.header.file.kind == "json" else _delimited(file)
    lines = lines.withColumn("parsed", parsed)  # once, however often it is used
    blank = fn.col("line") == "" if file.header.quoted else _trimmed("line") == ""
    state = (
        fn.when(~fn.is_valid_utf8("line"), NOT_UTF8)
        .when(blank, BLANK)
        .when((fn.length("line") > MOST_CHARACTERS) | fn.contains("line", fn.lit("\r")), ODD)
        .otherwise(state)
    )
    split = lines.select(*PLACE, "line", state.alias("state"), *_by_role(texts))
    split = split.withColumn("line", fn.when(fn.col("state") >= ODD, fn.col("line")))
    split = split.persist()  # no later use may read the files in other parts, with other places
    return split if file.header.first_line == 1 else _without_first_lines(split)


def _place(table: DataFrame, paths: dict[str, int]) -> list[Column]:
    """The PLACE columns of a scan of files; DataError if it does not read all of them."""
    found = {unquote(urlparse(uri).path) for uri in table.inputFiles()}
    if missing := paths.keys() - found:
        raise DataError(f"{min(missing)}: Spark does not find this file; rename it, or {OTHERWISE}")
    numbers = fn.create_map(*(fn.lit(each) for item in paths.items() for each in item))
    path = fn.url_decode(fn.replace("_metadata.file_path", fn.lit("+"), fn.lit("%2B")))
    return [
        fn.element_at(numbers, fn.regexp_replace(path, "^file:/*", "/")).alias("file"),
        fn.col("_metadata.file_block_start").alias("block"),
        fn.monotonically_increasing_id().alias("place"),
    ]


def _without_first_lines(lines: DataFrame) -> DataFrame:
    """The lines but the first of each file."""
    first = lines.where("block = 0").groupBy("file").agg(fn.min("place")).collect()
    places = fn.create_map(*(fn.lit(each) for row in first for each in row))
    return lines.where(fn.col("place") != fn.element_at(places, fn.col("file")))


def _by_role(texts: dict[str, Column]) -> list[Column]:
    """Texts by role; NULL if empty, or if the line is not split."""
    return [
        fn.nullif(_trimmed(texts[role]), fn.lit("")).alias(role) if role in texts else _no_text(role)
        for role in ROLES
    ]


def _trimmed(text: Column | str) -> Column:
    return fn.trim(text, fn.lit(_SPACES))


def _no_text(name: str) -> Column:
    return fn.lit(None).cast("string").alias(name)


def _delimited(file: InteractionFile) -> tuple[Column, Column, dict[str, Column]]:
    """The fields of a line with delimiters, and its state and texts, which refer to them as "parsed"."""
    header, line = file.header, fn.col("line")
    split = fn.split(line, re.escape(header.delimiter), -1)  # Java is fast for one character
    count, state = len(header.columns), fn.lit(FINE)
    if header.quoted:
        delimiter = rf"\Q{header.delimiter}\E"
        field = rf'{delimiter}("(?:[^"]|"")*+"|[^"{delimiter}]*+)'
        matches = fn.regexp_extract_all(fn.concat(fn.lit(header.delimiter), line), fn.lit(field), 1)
        has_quotes = fn.contains(line, fn.lit('"'))
        split = fn.when(has_quotes, fn.transform(matches, _unquoted)).otherwise(split)
        quotes = fn.length(line) - fn.length(fn.replace(line, fn.lit('"'), fn.lit("")))
        strict = fn.concat(fn.lit(header.delimiter), line).rlike(rf"\A(?:{field})+\z")
        state = fn.when(has_quotes & (quotes % 2 == 1), OPEN_QUOTE).when(has_quotes & ~strict, ODD)
        state = state.otherwise(FINE)
    fields = fn.col("parsed")
    fits = fn.size(fields) == count
    if header.quoted:  # a delimiter may end the line
        fits |= (fn.size(fields) == count + 1) & (fn.get(fields, fn.lit(count)) == "")
    texts = {
        role: fn.when(fits, fn.get(fields, fn.lit(header.columns.index(name))))
        for role, name in file.roles.items()
    }
    return split, fn.when(~fits & (state == FINE), ODD).otherwise(state), texts


def _unquoted(field: Column) -> Column:
    inner = fn.substring(field, fn.lit(2), fn.length(field) - 2)
    return fn.when(field.startswith('"'), fn.replace(inner, fn.lit('""'), fn.lit('"'))).otherwise(field)


def _json(file: InteractionFile) -> tuple[Column, Column, dict[str, Column]]:
    """A list of one JSON object, and the state and texts of the line, which refer to it as "parsed"."""
    fields = StructType([StructField(name, StringType()) for name in file.roles.values()])
    # Text after the object would be ignored, except in an array.
    parsed = fn.from_json(
        fn.concat(fn.lit("["), "line", fn.lit("]")), ArrayType(fields), {"allowSingleQuotes": "false"}
    )
    is_object = fn.trim("line").startswith("{") & fn.trim("line").endswith("}") & (fn.size("parsed") == 1)
    record = fn.get("parsed", fn.lit(0))
    texts = {role: record.getField(name) for role, name in file.roles.items()}
    alike = [
        # Which of several values counts, and how numbers and lists are written, depends on the parser.
        (fn.regexp_count("line", fn.lit(rf'\Q"{name}"\E\s*:')) > 1)
        | (fn.coalesce(texts[role], fn.lit("")).rlike(r"\A[\[{]|\A-?[0-9]*\.?[0-9]*[eE]|\A-?[0-9]+\.(?!0\z)"))
        for role, name in file.roles.items()
        if role in ("user", "item")
    ]
    odd = ~fn.coalesce(is_object, fn.lit(False)) | reduce(lambda one, two: one | two, alike)
    return parsed, fn.when(odd, ODD).otherwise(FINE), texts


__all__ = ["PLACE", "ROLES", "scan"]
