"""Which classes are taken for which: a table with shaded cells, and the worst mistakes in words."""

from __future__ import annotations

from hanji.studies.page.markup import Html, element, joined
from hanji.studies.page.table import framed
from hanji.studies.page.view import Confusion
from hanji.studies.page.words import count, plural

MOST_CLASSES = 20
"""Of more there are only words: a table of 100 × 100 cells for each recipe helps nobody."""

LEVELS = 6
_MISTAKES = 5


def confusion_part(found: Confusion | None) -> Html | None:
    """None if it was not measured."""
    if found is None:
        return None
    matrix = _matrix(found) if len(found.labels) <= MOST_CLASSES else None
    return joined([element("h4", "What is taken for what"), _mistakes(found), matrix])


def _mistakes(found: Confusion) -> Html:
    pairs = [
        (counted, found.labels[row], found.labels[column])
        for row, line in enumerate(found.counts)
        for column, counted in enumerate(line)
        if row != column and counted
    ]
    if not pairs:
        return element("p", "No test picture was given a wrong class.")
    pairs.sort(key=lambda pair: -pair[0])
    named = [
        element("li", f"{own} taken for {other}, {_times(times)}") for times, own, other in pairs[:_MISTAKES]
    ]
    return joined(
        [
            element("p", f"{plural(round(sum(pair[0] for pair in pairs)), 'mistake')}. The most frequent:"),
            element("ul", *named, class_="plain"),
        ]
    )


def _times(counted: float) -> str:
    return "once" if counted == 1 else f"{count(counted)} times"


def _matrix(found: Confusion) -> Html:
    """Shades are of a row's share; counts are written in all cells, and right ones are bold."""
    head = (element("th", label, scope="col") for label in found.labels)
    body = (
        element(
            "tr",
            element("th", found.labels[row], scope="row"),
            *(_cell(counted, sum(line), row == column) for column, counted in enumerate(line)),
        )
        for row, line in enumerate(found.counts)
    )
    return framed(
        "Pictures of the class of the row that were said to be of the class of the column",
        element("thead", element("tr", element("td"), *head)),
        element("tbody", *body),
        kind="confusion",
    )


def _cell(counted: float, total: float, right: bool) -> Html:
    share = counted / total if total else 0.0
    # Mistakes are few where a model is of use: their shades begin early, those of right answers late.
    level = round(share * LEVELS) if right else min(LEVELS, round((share / 0.5) ** 0.5 * LEVELS))
    if counted and not right:
        level = max(level, 1)
    kind = f"{'right' if right else 'wrong'}-{level}" if level else "zero" if not counted else None
    return element("td", element("b", count(counted)) if right else count(counted), class_=kind)


__all__ = ["LEVELS", "MOST_CLASSES", "confusion_part"]
