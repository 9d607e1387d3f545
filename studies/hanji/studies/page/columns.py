"""Columns of the tables of all recipes; cells are empty for values that were not measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hanji.studies.page.table import Cell, Column
from hanji.studies.page.view import Difference, Latency, Row, Size, Spread, StudyView
from hanji.studies.page.words import count, duration, metric, named, size, spread, timing
from hanji.training.markup import Html, element, joined

RowColumn = Column[Row]
Number = Callable[[Row], float | None]


def keys(tables: Iterable[Iterable[str]]) -> list[str]:
    """All keys, in the order of their first appearance."""
    return list(dict.fromkeys(key for table in tables for key in table))


def measured(columns: Sequence[RowColumn], rows: Sequence[Row]) -> list[RowColumn]:
    """The columns that are not empty in all rows."""
    return [column for column in columns if any(column.cell(row).content for row in rows)]


def name_columns(view: StudyView, *, tags: bool = False) -> list[RowColumn]:
    """The row's number and name; with ``tags``, also the budgets within which it is the best."""
    wins: dict[str, list[str]] = {}
    for budget in view.budgets if tags else ():
        if budget.winner is not None:
            wins.setdefault(budget.winner, []).append(budget.name)

    def name(row: Row) -> Cell:
        link = element("a", row.name, href=f"#{row.anchor}")
        best = [element("span", f"best: {budget}", class_="tag good") for budget in wins.get(row.name, [])]
        return Cell(joined([link, *best], " "))

    return [Column("#", lambda row: Cell(str(row.number), row.number)), Column("Recipe", name, numeric=False)]


def failure(row: Row) -> Html | None:
    """Why a row failed; None if it did not."""
    if not row.failed:
        return None
    return joined([element("strong", "Failed"), f": {row.reason or 'unknown reason'}"])


def numbers(heading: str, value: Number, text: Callable[[float | None], str]) -> RowColumn:
    """A column of numbers, formatted by ``text``."""
    return Column(heading, lambda row: Cell(text(value(row)), value(row)))


def metric_column(heading: str, name: str, higher_is_better: bool) -> RowColumn:
    """Mean ± standard deviation, sorted by the mean."""

    def cell(row: Row) -> Cell:
        value = row.metrics.get(name)
        return Cell(spread(value), None if value is None else value.mean)

    return Column(heading, cell, best_first=higher_is_better)


def agreement_column(heading: str, name: str) -> RowColumn:
    def cell(row: Row) -> Cell:
        return Cell(metric(row.agreement.get(name)), row.agreement.get(name))

    return Column(heading, cell, best_first=True)


def difference_column(
    heading: str, name: str, value: Callable[[Difference], float | None], text: Callable[[float | None], str]
) -> RowColumn:
    """One value of the difference from the full model in metric `name`."""

    def of_row(row: Row) -> float | None:
        difference = row.against_full.get(name)
        return None if difference is None else value(difference)

    return numbers(heading, of_row, text)


def size_column(heading: str, format_: str, part: Callable[[Size], Spread | None]) -> RowColumn:
    """Bytes, the mean over seeds."""

    def of_row(row: Row) -> float | None:
        sizes = row.formats.get(format_)
        bytes_ = None if sizes is None else part(sizes)
        return None if bytes_ is None else bytes_.mean

    return numbers(heading, of_row, count)


def latency_column(heading: str, engine: str, part: Callable[[Latency], float | None]) -> RowColumn:
    """Milliseconds."""

    def of_row(row: Row) -> float | None:
        latency = row.latency.get(engine)
        return None if latency is None else part(latency)

    return numbers(heading, of_row, timing)


def count_column(heading: str, name: str) -> RowColumn:
    """One of ``Row.counts``: bytes with a unit, milliseconds with three significant digits."""
    text = size if name.endswith("_bytes") else timing if name.endswith("_ms") else count
    return numbers(heading, lambda row: row.counts.get(name), text)


def seconds_column(name: str) -> RowColumn:
    return numbers(f"{named(name)} time", lambda row: row.seconds.get(name), duration)


__all__ = [
    "RowColumn",
    "agreement_column",
    "count_column",
    "difference_column",
    "failure",
    "keys",
    "latency_column",
    "measured",
    "metric_column",
    "name_columns",
    "numbers",
    "seconds_column",
    "size_column",
]
