"""The metric by slice, as bars compared with the full model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Row, Slice, StudyView
from hanji.studies.page.words import count, metric, signed
from hanji.training.markup import Html, element, joined

MAX_SLICES = 24
"""Slices per group; if there are more, those with the largest loss are shown."""


@dataclass(frozen=True)
class _Pair:
    """A slice of a row and the full model's mean of the same samples; ``scale`` is the end of the bars."""

    part: Slice
    full: float | None
    scale: float

    @property
    def difference(self) -> float | None:
        return None if self.part.mean is None or self.full is None else self.part.mean - self.full


def slice_tables(view: StudyView, row: Row) -> Html | None:
    """One table per group; None if the metric was not measured by slice."""
    if not row.slices:
        return None
    groups = dict.fromkeys(part.group for part in row.slices)
    highest = max((part.mean or 0 for other in view.done for part in other.slices), default=0)
    full = {} if view.full is None else {(part.group, part.name): part.mean for part in view.full.slices}
    parts = []
    for group in groups:
        pairs = [
            _Pair(part, full.get((part.group, part.name)), _scale(highest))
            for part in row.slices
            if part.group == group
        ]
        parts.append(_group(view, row, group, pairs))
    return joined([element("h4", f"{view.metric_label} by slice"), *parts])


def _group(view: StudyView, row: Row, group: str, pairs: Sequence[_Pair]) -> Html:
    shown = _largest_losses(pairs, view.higher_is_better)
    scale = metric(pairs[0].scale).rstrip("0").rstrip(".")
    selection = f"; the {len(shown)} of {len(pairs)} with the largest loss" if len(shown) < len(pairs) else ""
    mark = "" if row.is_full else ", the line marks the full model"
    caption = f"{view.metric_label} by {group or 'slice'}{selection}. Bars end at {scale}{mark}."
    columns = [
        Column[_Pair]("slice", lambda pair: Cell(pair.part.name), numeric=False),
        Column[_Pair]("relative", lambda pair: Cell(_bar(pair, row.is_full)), numeric=False),
        Column[_Pair]("mean", _mean),
    ]
    if not row.is_full:
        columns += [
            Column("full model", lambda pair: Cell(metric(pair.full), pair.full)),
            Column("difference", lambda pair: Cell(signed(pair.difference), pair.difference)),
        ]
    columns.append(Column("samples", lambda pair: Cell(count(pair.part.samples), pair.part.samples)))
    return table(caption, columns, shown, sortable=False, kind="bars")


def _mean(pair: _Pair) -> Cell:
    sd = "" if pair.part.sd is None or pair.part.mean is None else f" ± {pair.part.sd:.4f}"
    return Cell(metric(pair.part.mean) + sd, pair.part.mean)


def _largest_losses(pairs: Sequence[_Pair], higher_is_better: bool) -> Sequence[_Pair]:
    if len(pairs) <= MAX_SLICES:
        return pairs
    sign = 1 if higher_is_better else -1
    return sorted(pairs, key=lambda pair: sign * (pair.difference or 0))[:MAX_SLICES]


def _scale(highest: float) -> float:
    """The end of the bars: the next of 0.05, 0.1, 0.25, 0.5, 1, or the highest mean itself."""
    return next((end for end in (0.05, 0.1, 0.25, 0.5, 1.0) if highest <= end), highest)


def _bar(pair: _Pair, is_full: bool) -> Html:
    """Hidden from screen readers, because the numbers are in other columns."""
    if pair.part.mean is None:
        return Html()
    width = 100 * min(max(pair.part.mean / pair.scale, 0), 1)
    marks = [element("rect", x=0, y=3, width=width, height=8, class_="fill")]
    if pair.full is not None and not is_full:
        x = 100 * min(max(pair.full / pair.scale, 0), 1)
        marks.append(element("line", x1=x, y1=0, x2=x, y2=14, class_="full-line"))
    return bar(marks)


def bar(marks: Sequence[Html]) -> Html:
    """Marks over a track of 100 × 14 units, stretched to the width of its cell."""
    track = element("rect", x=0, y=3, width=100, height=8, class_="track")
    return element(
        "svg",
        track,
        *marks,
        viewBox="0 0 100 14",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )


__all__ = ["MAX_SLICES", "bar", "slice_tables"]
