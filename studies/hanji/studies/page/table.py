"""Tables, which a small script makes sortable; without it they are plain tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hanji.training.markup import Child, Html, element

Item = TypeVar("Item")
BRIEF = 12


@dataclass(frozen=True)
class Cell:
    """The content of a cell and its sort key; empty for values that were not measured."""

    content: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One column. ``numeric``: right-aligned; ``short``: not wrapped; ``best_first``: sorted in descending
    order first."""

    heading: str
    cell: Callable[[Item], Cell]
    numeric: bool = True
    best_first: bool = False
    short: bool = False


def table(
    caption: str,
    columns: Sequence[Column[Item]],
    items: Iterable[Item],
    *,
    named: int = 0,
    sortable: bool = True,
    kind: str = "",
    whole: Callable[[Item], Html | None] | None = None,
) -> Html:
    """A table in a frame that scrolls horizontally on narrow screens.

    Column `named` is the header of the row. If `whole` returns text for an item, it replaces the cells after
    that column.
    """
    headings = (
        element(
            "th",
            column.heading,
            scope="col",
            class_=" ".join(_kinds(column)) or None,
            data_first="descending" if column.best_first else None,
        )
        for column in columns
    )
    body = (_row(columns, item, named, whole(item) if whole else None) for item in items)
    return framed(
        caption,
        element("thead", element("tr", *headings)),
        element("tbody", *body),
        kind=f"{kind} sortable".strip() if sortable else kind,
    )


def framed(caption: str, *parts: Child, kind: str = "") -> Html:
    """A table of these parts; the frame can be scrolled by keyboard, so it is labelled by the caption."""
    inner = element("table", element("caption", element("span", caption)), *parts, class_=kind or None)
    return element("div", inner, class_="frame", role="group", aria_label=caption, tabindex="0")


def listing(pairs: Iterable[tuple[str, str]]) -> Html:
    """A list of names and values, without empty values."""
    shown = (element("div", element("dt", name), element("dd", value)) for name, value in pairs if value)
    return element("dl", *shown)


def _kinds(column: Column[Item]) -> list[str]:
    """Short headings are not wrapped at hyphens."""
    return ["number"] * column.numeric + ["brief"] * (len(column.heading) <= BRIEF)


def _row(columns: Sequence[Column[Item]], item: Item, named: int, whole: Html | None) -> Html:
    if whole is None:
        return element("tr", *(_cell(column, item, at == named) for at, column in enumerate(columns)))
    first = [_cell(column, item, at == named) for at, column in enumerate(columns[: named + 1])]
    return element(
        "tr", *first, element("td", element("span", whole), colspan=len(columns) - named - 1), class_="failed"
    )


def _cell(column: Column[Item], item: Item, names: bool) -> Html:
    cell = column.cell(item)
    value = None if cell.value is None else f"{cell.value:.12g}"
    kind = "number" if column.numeric else "short-words" if column.short else None
    if names:
        return element("th", cell.content, scope="row", class_=kind, data_value=value)
    return element("td", cell.content, class_=kind, data_value=value)


__all__ = ["Cell", "Column", "framed", "listing", "table"]
