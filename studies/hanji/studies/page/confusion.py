"""The confusion matrix as a table with shaded cells, and the most frequent misclassifications."""

from __future__ import annotations

from hanji.studies.page.table import framed
from hanji.studies.page.view import Confusion
from hanji.studies.page.words import count, plural
from hanji.training.markup import Html, element, joined

MAX_CLASSES = 20
"""With more classes, the matrix is omitted: a table of 100 × 100 cells per recipe would not be readable."""

LEVELS = 6
_MAX_PAIRS = 5


def confusion_part(confusion: Confusion | None) -> Html | None:
    """None if it was not measured."""
    if confusion is None:
        return None
    matrix = _matrix(confusion) if len(confusion.labels) <= MAX_CLASSES else None
    return joined([element("h4", "Confusion matrix"), _misclassifications(confusion), matrix])


def _misclassifications(confusion: Confusion) -> Html:
    pairs = [
        (times, confusion.labels[row], confusion.labels[column])
        for row, line in enumerate(confusion.counts)
        for column, times in enumerate(line)
        if row != column and times
    ]
    if not pairs:
        return element("p", "No test image was misclassified.")
    pairs.sort(key=lambda pair: -pair[0])
    frequent = [
        element("li", f"{true} classified as {predicted}, {_times(times)}")
        for times, true, predicted in pairs[:_MAX_PAIRS]
    ]
    total = plural(round(sum(pair[0] for pair in pairs)), "misclassified image")
    return joined(
        [element("p", f"{total}. The most frequent:"), element("ul", *frequent, class_="plain")],
    )


def _times(value: float) -> str:
    return "once" if value == 1 else f"{count(value)} times"


def _matrix(confusion: Confusion) -> Html:
    """Cells are shaded by their fraction of the row and contain the counts; the diagonal is bold."""
    head = (element("th", label, scope="col") for label in confusion.labels)
    body = (
        element(
            "tr",
            element("th", confusion.labels[row], scope="row"),
            *(_cell(value, sum(line), row == column) for column, value in enumerate(line)),
        )
        for row, line in enumerate(confusion.counts)
    )
    return framed(
        "Number of test images by true class (row) and predicted class (column)",
        element("thead", element("tr", element("td"), *head)),
        element("tbody", *body),
        kind="confusion",
    )


def _cell(value: float, total: float, correct: bool) -> Html:
    fraction = value / total if total else 0.0
    # Misclassifications are rare in a useful model, so their shades increase faster than the diagonal's.
    level = round(fraction * LEVELS) if correct else min(LEVELS, round((fraction / 0.5) ** 0.5 * LEVELS))
    if value and not correct:
        level = max(level, 1)
    kind = f"{'right' if correct else 'wrong'}-{level}" if level else "zero" if not value else None
    return element("td", element("b", count(value)) if correct else count(value), class_=kind)


__all__ = ["LEVELS", "MAX_CLASSES", "confusion_part"]
