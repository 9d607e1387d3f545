"""Copies the named columns of source files into a table of the engine, as text and in file order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.engine import Engine, identifier, literal
from hanji.training.recommenders.data.sources.files import in_utf8, open_bytes, wrong_encoding
from hanji.training.recommenders.data.sources.header import Header
from hanji.training.recommenders.data.sources.malformed import never_closed

_REJECTS = "reject_errors"


@dataclass(frozen=True)
class Copied:
    """Counts of one file: its data lines, and those of them that cannot be split into fields."""

    lines: int
    malformed: int


def copy_columns(engine: Engine, table: str, header: Header, columns: Mapping[str, str]) -> Copied:
    """Append the ``columns`` (name in ``table`` by name in the file) of a file to ``table``.

    ``table`` gets text columns of these names and ``row``, the position in all files. A line that cannot be
    split gives no row, or a row without values. DataError for a wrong encoding or a quote that is never
    closed.
    """
    import duckdb

    names = ", ".join(identifier(name) for name in columns)
    trimmed = ", ".join(f"nullif(trim({identifier(name)}), '')" for name in columns)
    texts = ", ".join(f"{identifier(name)} VARCHAR" for name in columns)
    engine.run(f"CREATE TABLE IF NOT EXISTS {table} (row BIGINT, {texts})")
    before = engine.row(f"SELECT count(*) FROM {table}")[0]
    try:
        engine.run(
            f"INSERT INTO {table} (row, {names}) "
            f"SELECT {before} + row_number() OVER (), {trimmed} FROM ({_query(engine, header, columns)})"
        )
        rejected = 0 if header.file.kind == "parquet" else rejected_lines(engine, header)
    except duckdb.Error as error:
        raise _unreadable(header, error) from None
    return Copied(engine.row(f"SELECT count(*) FROM {table}")[0] - before + rejected, rejected)


def _query(engine: Engine, header: Header, columns: Mapping[str, str]) -> str:
    """A SELECT of the columns from the file."""
    path = literal(str(in_utf8(header.file, engine)))
    if header.file.kind == "parquet":
        described = engine.run(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall()
        types = {name: kind for name, kind, *_ in described}
        selected = (f"{_as_text(old, types[old])} AS {identifier(new)}" for new, old in columns.items())
        return f"SELECT {', '.join(selected)} FROM read_parquet({path})"
    if header.quoted:
        selected = (f"{identifier(old)} AS {identifier(new)}" for new, old in columns.items())
        return f"SELECT {', '.join(selected)} FROM {_records(path, header)}"
    if header.file.kind == "json":
        fields = {
            new: f"json_extract_string(line, {literal(_json_path(old))})" for new, old in columns.items()
        }
        valid = "json_valid(line)"
    else:
        fields = {new: f"fields[{header.columns.index(old) + 1}]" for new, old in columns.items()}
        valid = f"len(fields) = {len(header.columns)}"
    selected = (f"CASE WHEN {valid} THEN {field} END AS {identifier(new)}" for new, field in fields.items())
    return f"SELECT {', '.join(selected)} FROM ({lines_query(path, header)}) ORDER BY number"


def _as_text(column: str, kind: str) -> str:
    """The text of a Parquet column; lists and structs in JSON."""
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    value = f"to_json({identifier(column)})" if nested else identifier(column)
    return f"CAST({value} AS VARCHAR)"


def lines_query(path: str, header: Header) -> str:
    """A SELECT of ``number``, ``line`` and ``fields`` for each line that is not blank; ``path`` is SQL."""
    # No text contains the delimiter, so that each line is one field.
    lines = (
        f"read_csv({path}, columns = {{'text': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', "
        "header = false, auto_detect = false, strict_mode = false, store_rejects = true, rejects_limit = 0)"
    )
    return (
        f"SELECT number, line, string_split(line, {literal(header.delimiter)}) AS fields "
        f"FROM (SELECT row_number() OVER () AS number, rtrim(text, chr(13)) AS line FROM {lines}) "
        f"WHERE number >= {header.first_line} AND trim(line) <> ''"
    )


def _records(path: str, header: Header) -> str:
    """A table function for records whose fields may be quoted and may contain line ends."""
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header.columns)
    return (
        f"read_csv({path}, columns = {{{columns}}}, delim = {literal(header.delimiter)}, "
        f"""quote = '"', escape = '"', header = false, skip = {header.first_line - 1}, """
        "auto_detect = false, store_rejects = true, rejects_limit = 0)"
    )


def rejected_lines(engine: Engine, header: Header) -> int:
    """The number of lines that the engine did not read, after it has read a text file.

    DataError for what makes the whole file unreadable: another encoding, or a quote that is never closed.
    """
    if engine.row(f"SELECT count(*) FROM {_REJECTS} WHERE error_type = 'INVALID ENCODING'")[0]:
        raise wrong_encoding(header.file)
    swallowed = engine.row(
        f"SELECT min(line_byte_position) FROM {_REJECTS} "
        "WHERE error_type = 'UNQUOTED VALUE' AND contains(rtrim(csv_line, chr(10) || chr(13)), chr(10))"
    )[0]
    if swallowed is not None:
        raise never_closed(header, _line_at(in_utf8(header.file, engine), swallowed))
    count: int = engine.row(f"SELECT count(DISTINCT line_byte_position) FROM {_REJECTS}")[0]
    engine.run(f"DROP TABLE {_REJECTS}")
    engine.run("DROP TABLE reject_scans")
    return count


def _line_at(path: Path, position: int) -> int:
    """The number of the line at a byte position of the decompressed file."""
    with open_bytes(path) as stream:
        return stream.read(position).count(b"\n") + 1


def _unreadable(header: Header, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(f"{header.file.path}: cannot be read: {reason}; check format and delimiter")


def _json_path(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


__all__ = ["Copied", "copy_columns", "lines_query", "rejected_lines"]
