"""Source files for Spark and DuckDB: some that both read alike, some that Spark refuses."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Write = Callable[[Path], dict[str, object]]
"""Writes source files into a directory; returns the keys of the config."""

Row = tuple[str, str, str, str]


def rows(count: int = 1500, ids: str = "", seed: int = 0) -> list[Row]:
    """User, item, rating and time; some pairs and times occur more than once."""
    found = np.random.default_rng(seed).integers([60, 140, 10, 400], size=(count, 4))
    return [(f"{ids}{u}", f"{ids}{i}", f"{(r + 1) / 2:g}", str(10**9 + t)) for u, i, r, t in found.tolist()]


def text(found: list[Row], delimiter: str = ",", header: str = "user,item,rating,timestamp") -> str:
    head = f"{header}\n" if header else ""
    return head + "".join(delimiter.join(row) + "\n" for row in found)


def several_gzip_files(at: Path) -> dict[str, object]:
    (at / "logs" / "day=2").mkdir(parents=True)
    for number, name in enumerate(("a.csv.gz", "b b.csv.gz", "day=2/a+[1].csv.gz")):
        (at / "logs" / name).write_bytes(gzip.compress(text(rows(600, "ü", number)).encode()))
    (at / "logs" / "_SUCCESS").touch()
    return {"format": "table", "ratings": "logs", "minimum_rating": 2.5, "minimum_user_interactions": 9}


def quoted_fields(at: Path) -> dict[str, object]:
    found = [(f'"name ""{user}"", x"', f" {item} ", rating, time) for user, item, rating, time in rows()]
    body = "\ufeff" + text(found).replace("\n", "\r\n") + "a,b,1,2,\r\n\r\n"
    (at / "ratings.csv").write_bytes(body.encode())
    return {}


def malformed_lines(at: Path) -> dict[str, object]:
    found = rows()
    bad = [("1", "2", rating, "5") for rating in ("x", "1_000", "1d", "0x1", "nan", "Infinity", "1e400", ".")]
    bad += [("1", "2", rating, "5") for rating in ("+1", ".5", "5.", "1E+1", "-.5e-3", "00")]  # are numbers
    bad += [("", "2", "1", "5"), ("1", "2", "3", "never"), ("1", "2", "3", "")]
    body = text([*found[:700], *bad, *found[700:]])
    (at / "plays.csv").write_text(
        body + '1,2\n"1"x,2,3,4\n \n1,2,3,-4\n1,2,3,4,5\n\n\u00a01\u3000,2\t, 3,4\n'
    )
    return {"minimum_rating": 1.0}


def decimal_commas_and_dates(at: Path) -> dict[str, object]:
    zones = ("", "Z", "+09", "-03:30", ".25", " UTC")
    found = [
        (
            user,
            f"{item}.0",
            rating.replace(".", ","),
            f"2005-4-{1 + int(time) % 28:02} 0{int(time) % 9}:07:59{zone}",
        )
        for zone, (user, item, rating, time) in zip(zones * 250, rows(), strict=True)
    ]
    (at / "plays.csv").write_text(text(found, ";", "user;item;rating;date"))
    return {"minimum_rating": 2.0}


def tabs_without_a_header(at: Path) -> dict[str, object]:
    found = [
        (user, item, rating, f"{time}.{index % 7}") for index, (user, item, rating, time) in enumerate(rows())
    ]
    (at / "plays.tsv").write_text(text(found, "\t", ""))
    return {"held_out": 2}


def given_time_format(at: Path) -> dict[str, object]:
    found = [
        (u, i, r, f"{1 + int(t) % 28:02}/03/2020 {int(t) % 24:02}h{int(t) % 60:02}") for u, i, r, t in rows()
    ]
    (at / "plays.csv").write_text(text(found))
    return {"timestamp_format": "%d/%m/%Y %Hh%M"}


def json_lines(at: Path) -> dict[str, object]:
    lines = [f'{{"item": "{i}", "x": {{"y": [1]}}, "user": {u}, "ts": {t}}}' for u, i, _, t in rows()]
    odd = [
        '{"user": 1, "item": null, "ts": 4}',
        '{"user": 1} x',
        "[1]",
        '{"user": 3.0, "item": "5", "ts": 6}',
    ]
    (at / "plays.jsonl").write_text("\n".join([*lines, *odd]) + "\n")
    return {}


def parquet_parts(at: Path) -> dict[str, object]:
    (at / "parts" / "year=2020").mkdir(parents=True)
    for number, name in enumerate(("p0.parquet", "year=2020/p1.parquet")):
        found = rows(700, seed=number)
        users = (
            pa.array([float(row[0]) for row in found]) if number else pa.array([int(row[0]) for row in found])
        )
        times = pa.array([int(row[3]) * 1000 for row in found], pa.timestamp("ms"))
        items = pa.array([f"é{row[1]}" for row in found]).dictionary_encode()
        table = pa.table({"user": users, "item": items, "time": times, "other": [[1]] * len(found)})
        nameless = pa.table(
            {"user": users[:1], "item": pa.nulls(1, items.type), "time": times[:1], "other": [[1]]}
        )
        table = pa.concat_tables([table, nameless])
        pq.write_table(table, at / "parts" / name, row_group_size=100)
    (at / "titles.csv").write_text("item,title,genres\né1,One,Drama|War\n")
    return {"format": "table", "ratings": "parts", "items": "titles.csv", "split": "random"}


def movielens(at: Path) -> dict[str, object]:
    (at / "ratings.dat").write_text(text(rows(), "::", "") + "1::2::3\n7.0::1::3::5\n")
    (at / "movies.dat").write_text("1::One (1999)::Drama|War\n")
    return {}


SOURCES: tuple[Write, ...] = (
    several_gzip_files,
    quoted_fields,
    malformed_lines,
    decimal_commas_and_dates,
    tabs_without_a_header,
    given_time_format,
    json_lines,
    parquet_parts,
    movielens,
)


def unusual_dates(at: Path) -> str:
    (at / "plays.csv").write_text(text([(*row[:3], "2005/04/02") for row in rows(50)]))
    return r"plays\.csv: Spark does not read .*time '2005/04/02'.*--engine duckdb"


def half_quoted_fields(at: Path) -> str:
    (at / "plays.csv").write_text(text([*rows(50), ('"a"', ' "b"', "1", "2")]))
    return r"Spark does not read .*user 'a', item 'b'.*fields quoted as a whole"


def record_of_two_lines(at: Path) -> str:
    (at / "plays.csv").write_text(text([*rows(50), ('"a\nb"', "b", "1", "2")]))
    return r"""plays\.csv: .*a quote is opened and not closed: '"a'.*--engine duckdb"""


def repeated_json_keys(at: Path) -> str:
    lines = ['{"user": 1, "item": 2}'] * 50 + ['{"user": 1, "user": 2, "item": 3}']
    (at / "plays.jsonl").write_text("\n".join(lines) + "\n")
    return r"Spark does not read .*user '1', item '3'"


def fractions_as_ids(at: Path) -> str:
    pq.write_table(pa.table({"user": [1.0, 1.5], "item": ["a", "b"]}), at / "plays.parquet")
    return r"Spark does not read .*user '1.5', item 'b'"


REFUSED = (unusual_dates, half_quoted_fields, record_of_two_lines, repeated_json_keys, fractions_as_ids)
