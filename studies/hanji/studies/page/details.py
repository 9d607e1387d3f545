"""One part a recipe that can be opened: its steps, formats, slices, mistakes and layers."""

from __future__ import annotations

from hanji.studies.page.columns import failure
from hanji.studies.page.confusion import confusion_part
from hanji.studies.page.front import bytes_of
from hanji.studies.page.layers import layers_part
from hanji.studies.page.markup import Html, element, joined
from hanji.studies.page.slices import slice_tables
from hanji.studies.page.steps import steps_as_toml
from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Row, Spread, StudyView
from hanji.studies.page.words import (
    FORMATS,
    LOWER_IS_BETTER,
    count,
    metric,
    p_value,
    plain,
    signed,
    size,
    spread,
    verdict,
)


def details(view: StudyView) -> Html:
    """The section of all recipes, in the order of the study."""
    return element(
        "section",
        element("h2", "Recipe by recipe", id="details"),
        element("div", *(_details(view, row) for row in view.rows), class_="recipes"),
        aria_labelledby="details",
    )


def _details(view: StudyView, row: Row) -> Html:
    """The anchor is inside: browsers open what a link leads into."""
    summary = element(
        "summary",
        element("span", str(row.number), class_="pale"),
        element("h3", row.name),
        element("span", _in_short(view, row), class_="short"),
    )
    return element("details", summary, element("div", _inside(view, row), id=row.anchor, class_="inside"))


def _in_short(view: StudyView, row: Row) -> str:
    if row.failed:
        return "failed"
    found = row.metrics.get(view.metric)
    parts = [size(bytes_of(view, row)), f"{view.metric_label} {metric(found.mean)}" if found else ""]
    return " · ".join(part for part in parts if part)


def _inside(view: StudyView, row: Row) -> Html:
    reason = failure(row)
    return joined(
        [
            None if reason is None else element("p", reason, class_="notice bad"),
            *_steps(row),
            _formats(view, row),
            _against_full(view, row),
            slice_tables(view, row),
            confusion_part(row.confusion),
            layers_part(row.layers),
        ]
    )


def _steps(row: Row) -> list[Html]:
    heading = element("h4", "Steps")
    if not row.steps:
        return [heading, element("p", "None: the network in floats, as it was trained.")]
    toml = element("code", steps_as_toml(row.steps).strip())
    label = f"Steps of {row.name}, as a recipe file holds them"
    return [heading, element("pre", toml, tabindex="0", role="group", aria_label=label)]


def _formats(view: StudyView, row: Row) -> Html | None:
    if not row.formats:
        return None
    caption = f"Files of {row.name}, and {view.metric_label} in the engine of each"
    columns = _format_columns(view, row)
    return joined([element("h4", "Formats"), table(caption, columns, row.formats, sortable=False)])


def _format_columns(view: StudyView, row: Row) -> list[Column[str]]:
    return [
        Column("format", lambda name: Cell(FORMATS.get(name, name)), numeric=False),
        Column("engine", lambda name: Cell(plain(view.engines.get(name))), numeric=False),
        Column("bytes", lambda name: Cell(_range(row.formats[name].bytes))),
        Column("gzip bytes", lambda name: Cell(_range(row.formats[name].gzip_bytes))),
        Column(view.metric_label, lambda name: Cell(spread(row.formats[name].metric))),
    ]


def _range(found: Spread | None) -> str:
    """Bytes: one number if all seeds have the same, else from the least to the most."""
    if found is None:
        return ""
    return count(found.low) if found.low == found.high else f"{count(found.low)} – {count(found.high)}"


def _against_full(view: StudyView, row: Row) -> Html | None:
    """All metrics that were compared; the study's own is in the table of all recipes too."""
    if len(row.against_full) < 2 or row.is_full:
        return None
    found = row.against_full

    def better(name: str) -> bool:
        return view.higher_is_better if name == view.metric else name not in LOWER_IS_BETTER

    columns = [
        Column[str]("metric", lambda name: Cell(view.labels.get(name, name)), numeric=False),
        Column[str]("difference", lambda name: Cell(signed(found[name].difference))),
        Column[str]("from", lambda name: Cell(signed(found[name].low))),
        Column[str]("to", lambda name: Cell(signed(found[name].high))),
        Column[str]("p", lambda name: Cell(p_value(found[name].p_value))),
        Column[str](
            "in words", lambda name: Cell(verdict(found[name], better(name))), numeric=False, short=True
        ),
    ]
    caption = f"{row.name} less the full model, with 95 % intervals"
    return joined([element("h4", "Against the full model"), table(caption, columns, found, sortable=False)])


__all__ = ["details"]
