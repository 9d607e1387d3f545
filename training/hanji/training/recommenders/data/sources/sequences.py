"""Formats in which the order of the lines or of the items in a line takes the place of times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.raw import Ids, RawData, RawTest
from hanji.training.recommenders.data.sources.duckdb_rows import DuckDbRows
from hanji.training.recommenders.data.sources.engine import Engine, literal
from hanji.training.recommenders.data.sources.files import SourceFile, find_files, in_utf8, source_file
from hanji.training.recommenders.data.sources.header import Header, read_header
from hanji.training.recommenders.data.sources.interactions import coded_interactions, read_interactions
from hanji.training.recommenders.data.sources.malformed import MalformedLines, malformed_in
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.table import lines_query, rejected_lines
from hanji.training.recommenders.data.sources.values import Options, rules_for

_ROLES = {"user": "user", "item": "item"}


def read_pairs(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Lines "user item", each user's in time order."""
    malformed = MalformedLines(config.malformed_limit)
    files = [
        InteractionFile(Header(file, ("user", "item"), _delimiter(file), 1), _ROLES)
        for file in _files(config, directory, engine)
    ]
    read = read_interactions(engine, files, malformed, Options(order_is_time=True))
    notes = ("the order of the lines is taken as the order in time", *read.notes)
    return RawData("pairs", "", read.coded, {}, malformed, notes=notes)


def read_sequences(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Lines "user item item …", in time order."""
    malformed = MalformedLines(config.malformed_limit)
    for file in _files(config, directory, engine):
        _copy_lists(engine, file, "raw", malformed)
    rules = rules_for(engine, _ROLES, str(directory), Options(order_is_time=True))
    read = coded_interactions(DuckDbRows(engine), rules, [])
    notes = ("the order of the items in a line is taken as the order in time", *read.notes)
    return RawData("sequences", "", read.coded, {}, malformed, notes=notes)


def read_lightgcn(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Lines "user item item …" without an order: train.txt and test.txt, whose split is kept."""
    malformed = MalformedLines(config.malformed_limit)
    _copy_lists(engine, source_file(directory / "train.txt"), "raw", malformed)
    read = coded_interactions(DuckDbRows(engine), rules_for(engine, _ROLES, str(directory)), [])
    _copy_lists(engine, source_file(directory / "test.txt"), "test", malformed)
    test = RawTest(_ids(engine, "user", read.coded.user_ids), _ids(engine, "item", read.coded.item_ids), None)
    return RawData("lightgcn", "", read.coded, {}, malformed, test, notes=read.notes)


def read_netflix(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Lines "user,rating,date" below a line "item:"."""
    malformed = MalformedLines(config.malformed_limit)
    files = _files(config, directory, engine)
    engine.run('CREATE TABLE raw (row BIGINT, "user" VARCHAR, item VARCHAR, rating VARCHAR, time VARCHAR)')
    for file in files:
        header = Header(file, ("line",), ",", 1, plain=True)
        lines = lines_query(literal(str(in_utf8(file, engine))), header)
        before = engine.row("SELECT count(*) FROM raw")[0]
        engine.run(
            f"INSERT INTO raw SELECT {before} + number, fields[1], item, fields[2], fields[3] FROM ("
            "SELECT number, fields, line, last_value(CASE WHEN ends_with(line, ':') THEN line[:-2] END "
            f"IGNORE NULLS) OVER (ORDER BY number) AS item FROM ({lines})) WHERE NOT ends_with(line, ':')"
        )
        _record_unread(engine, header, malformed)
    malformed.lines += engine.row("SELECT count(*) FROM raw")[0]
    roles = {role: role for role in ("user", "item", "rating", "time")}
    rules = rules_for(engine, roles, str(files[0].path))
    first = engine.row(f"SELECT min(row) FROM raw WHERE NOT coalesce({rules.valid}, false)")[0]
    rows = DuckDbRows(engine)
    _, bad, malformed.bad_times = rows.keep_valid(rules)
    if bad:
        reason = "expected user,rating,date below a line with the item and a colon"
        malformed.add(files[0].path, bad, [(first, reason)])
    read = coded_interactions(rows, rules, [])
    return RawData("netflix", "", read.coded, {}, malformed, notes=read.notes)


def _copy_lists(engine: Engine, file: SourceFile, table: str, malformed: MalformedLines) -> None:
    """Append a row to ``table`` for each item of each line; a line without an item is malformed."""
    header = Header(file, ("line",), _delimiter(file), 1)
    lines = lines_query(literal(str(in_utf8(file, engine))), header)
    engine.run(f'CREATE TABLE IF NOT EXISTS {table} (row BIGINT, "user" VARCHAR, item VARCHAR)')
    before = engine.row(f"SELECT count(*) FROM {table}")[0]
    engine.run(
        f"INSERT INTO {table} SELECT {before} + row_number() OVER (ORDER BY number, place), "
        '"user", item FROM ('
        'SELECT number, fields[1] AS "user", unnest(fields[2:]) AS item, generate_subscripts(fields[2:], 1) '
        f"AS place FROM ({lines})) WHERE item <> ''"
    )
    count, bad, first = engine.row(
        "SELECT count(*), count(*) FILTER (len(fields) < 2), min(number) FILTER (len(fields) < 2) "
        f"FROM ({lines})"
    )
    malformed.lines += count
    if bad:
        malformed.add(file.path, bad, [(first, "expected a user and at least one item")])
    _record_unread(engine, header, malformed)


def _record_unread(engine: Engine, header: Header, malformed: MalformedLines) -> None:
    """Record the lines that the engine did not read, which are all too long for it."""
    count = rejected_lines(engine, header)
    malformed.lines += count
    if count:
        malformed.add(header.file.path, count, malformed_in(header, {}, lambda _: ""))


def _ids(engine: Engine, role: str, known: Ids) -> Ids:
    """The ids of a column of the table ``test``, of the same type as ``known``."""
    sql = f'CAST("{role}" AS BIGINT)' if known.dtype != object else f'"{role}"'
    column = engine.column(f"SELECT {sql} FROM test ORDER BY row")
    ids: Ids = column.to_numpy().astype(known.dtype)
    return ids


def _files(config: DataConfig, directory: Path, engine: Engine) -> Sequence[SourceFile]:
    if config.ratings is not None:
        return find_files(directory, config.ratings, config.encoding, engine)
    names = [name for name in file_names(directory) if name.endswith((".txt", ".txt.gz"))]
    if not names:
        raise DataError(
            f"{directory}: expected a .txt file, found none: {directory_listing(directory)}; set data.ratings"
        )
    return [source_file(directory / name, config.encoding) for name in names]


def _delimiter(file: SourceFile) -> str:
    return read_header(file, header=False).delimiter


__all__ = ["read_lightgcn", "read_netflix", "read_pairs", "read_sequences"]
