"""Columns that the tables of all recipes are made of; a cell is empty where nothing was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hanji.studies.page.markup import Html, element, joined
from hanji.studies.page.table import Cell, Column
from hanji.studies.page.view import Difference, Latency, Row, Size, Spread, StudyView
from hanji.studies.page.words import count, duration, metric, named, size, spread, timing

RowColumn = Column[Row]
Number = Callable[[Row], float | None]


def keys(found: Iterable[Iterable[str]]) -> list[str]:
    """All keys, in the order of their first appearance."""
    return list(dict.fromkeys(key for keys in found for key in keys))


def measured(columns: Sequence[RowColumn], rows: Sequence[Row]) -> list[RowColumn]:
    """Without the columns in which no row has anything."""
    return [column for column in columns if any(column.cell(row).content for row in rows)]


def naming(view: StudyView, *, tags: bool = False) -> list[RowColumn]:
    """The row's number and its name; with ``tags`` also what it wins."""
    wins: dict[str, list[str]] = {}
    for budget in view.budgets if tags else ():
        if budget.winner is not None:
            wins.setdefault(budget.winner, []).append(budget.name)

    def name(row: Row) -> Cell:
        link = element("a", row.name, href=f"#{row.anchor}")
        won = [element("span", f"wins: {budget}", class_="tag good") for budget in wins.get(row.name, [])]
        return Cell(joined([link, *won], " "))

    return [Column("#", lambda row: Cell(str(row.number), row.number)), Column("Recipe", name, numeric=False)]


def failure(row: Row) -> Html | None:
    """Why a row has no numbers; None if it has."""
    if not row.failed:
        return None
    return joined([element("strong", "Failed"), f": {row.reason or 'no reason is known'}"])


def numbers(heading: str, value: Number, text: Callable[[float | None], str]) -> RowColumn:
    """A column of numbers, written by ``text``."""
    return Column(heading, lambda row: Cell(text(value(row)), value(row)))


def metric_column(heading: str, name: str, higher_is_better: bool) -> RowColumn:
    """Mean ± standard deviation, sorted by the mean."""

    def cell(row: Row) -> Cell:
        found = row.metrics.get(name)
        return Cell(spread(found), None if found is None else found.mean)

    return Column(heading, cell, best_first=higher_is_better)


def likeness_column(heading: str, name: str) -> RowColumn:
    def cell(row: Row) -> Cell:
        return Cell(metric(row.likeness.get(name)), row.likeness.get(name))

    return Column(heading, cell, best_first=True)


def difference_column(
    heading: str, name: str, value: Callable[[Difference], float | None], text: Callable[[float | None], str]
) -> RowColumn:
    """A number of the comparison of metric `name` with the full model."""

    def found(row: Row) -> float | None:
        difference = row.against_full.get(name)
        return None if difference is None else value(difference)

    return numbers(heading, found, text)


def size_column(heading: str, format_: str, part: Callable[[Size], Spread | None]) -> RowColumn:
    """Bytes, the mean over seeds."""

    def found(row: Row) -> float | None:
        own = row.formats.get(format_)
        spread_ = None if own is None else part(own)
        return None if spread_ is None else spread_.mean

    return numbers(heading, found, count)


def latency_column(heading: str, engine: str, part: Callable[[Latency], float | None]) -> RowColumn:
    """Milliseconds."""

    def found(row: Row) -> float | None:
        own = row.latency.get(engine)
        return None if own is None else part(own)

    return numbers(heading, found, timing)


def count_column(heading: str, name: str) -> RowColumn:
    """One of ``Row.counts``: bytes with their unit, milliseconds with three digits."""
    text = size if name.endswith("_bytes") else timing if name.endswith("_ms") else count
    return numbers(heading, lambda row: row.counts.get(name), text)


def seconds_column(name: str) -> RowColumn:
    return numbers(f"{named(name)} time", lambda row: row.seconds.get(name), duration)


__all__ = [
    "RowColumn",
    "count_column",
    "difference_column",
    "failure",
    "keys",
    "latency_column",
    "likeness_column",
    "measured",
    "metric_column",
    "naming",
    "numbers",
    "seconds_column",
    "size_column",
]
