"""The rows of interactions in DuckDB: its table ``raw``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hanji.training.recommenders.data.sources.engine import Engine, literal
from hanji.training.recommenders.data.sources.rows import FLOAT, INTEGER, Indexed, InteractionFile
from hanji.training.recommenders.data.sources.table import Copied, copy_columns
from hanji.training.recommenders.data.sources.values import Options, Rules, rules_for

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class DuckDbRows:
    """``Rows`` in the table ``raw`` of an engine."""

    engine: Engine

    def copy(self, files: Sequence[InteractionFile]) -> Copied:
        """Append the columns of the files to ``raw``."""
        copied = [copy_columns(self.engine, "raw", file.header, file.roles) for file in files]
        return Copied(sum(each.lines for each in copied), sum(each.malformed for each in copied))

    def rules(self, roles: Mapping[str, str], where: str, options: Options) -> Rules:
        """``rules_for`` the table."""
        return rules_for(self.engine, roles, where, options)

    def keep_valid(self, rules: Rules) -> tuple[int, int, int]:
        """Delete the malformed rows; the number of rows, of malformed ones, of bad times."""
        rows, bad, bad_but_time = self.engine.row(
            f"SELECT count(*), count(*) FILTER (NOT coalesce({rules.valid}, false)), "
            f"count(*) FILTER (NOT coalesce({rules.valid_but_time}, false)) FROM raw"
        )
        if bad:
            self.engine.run(f"DELETE FROM raw WHERE NOT coalesce({rules.valid}, false)")
        return rows, bad, bad - bad_but_time

    def spanning(self) -> int:
        """The number of rows with an id that spans several lines."""
        found: int = self.engine.row(
            'SELECT count(*) FROM raw WHERE contains("user", chr(10)) OR contains(item, chr(10))'
        )[0]
        return found

    def index(self, role: str) -> Indexed:
        """Index the distinct ids, sorted, in the table ``users`` or ``items``."""
        self.engine.run(f'CREATE TABLE {role}_texts AS SELECT DISTINCT "{role}" AS raw FROM raw')
        integers, numbers = self.engine.row(
            f"SELECT bool_and(regexp_full_match(raw, {literal(INTEGER)})), "
            f"bool_and(regexp_full_match(raw, {literal(f'{INTEGER}|{FLOAT}')})) FROM {role}_texts"
        )
        id_sql = "CAST(CAST(raw AS DOUBLE) AS BIGINT)" if numbers else "raw"
        self.engine.run(
            f"CREATE TABLE {role}s AS SELECT raw, {id_sql} AS id, "
            f"CAST(dense_rank() OVER (ORDER BY {id_sql}) - 1 AS INTEGER) AS index FROM {role}_texts"
        )
        column = self.engine.column(f"SELECT DISTINCT id FROM {role}s ORDER BY id")
        ids = column.to_numpy() if numbers else np.array(column.to_pylist(), dtype=object)
        return Indexed(ids, numbers and not integers)

    def sorted(self, rules: Rules) -> tuple[int, Iterator[pa.RecordBatch]]:
        """The number of rows, and the rows sorted by user, then time, then file order."""
        values = {"rating": rules.rating, "time": rules.time}
        selected = "".join(f", {sql} AS {name}" for name, sql in values.items() if sql)
        return self.engine.row("SELECT count(*) FROM raw")[0], self.engine.batches(
            f"SELECT users.index AS u, items.index AS i{selected} FROM raw "
            'JOIN users ON users.raw = raw."user" JOIN items ON items.raw = raw.item '
            f"ORDER BY {'u, time, row' if rules.time else 'u, row'}"
        )


__all__ = ["DuckDbRows"]
