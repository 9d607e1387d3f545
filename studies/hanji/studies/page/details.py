"""A collapsible part per recipe: its steps, formats, slices, confusion matrix and layers."""

from __future__ import annotations

from hanji.studies.page.columns import failure
from hanji.studies.page.confusion import confusion_part
from hanji.studies.page.front import bytes_of
from hanji.studies.page.layers import layers_part
from hanji.studies.page.slices import slice_tables
from hanji.studies.page.steps import steps_as_toml
from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Row, Spread, StudyView
from hanji.studies.page.words import (
    FORMATS,
    LOWER_IS_BETTER,
    count,
    difference_text,
    metric,
    p_value,
    plain,
    signed,
    size,
    spread,
)
from hanji.training.markup import Html, element, joined


def details(view: StudyView) -> Html:
    """The section with the details of all recipes, in the order of the study."""
    return element(
        "section",
        element("h2", "Recipes in detail", id="details"),
        element("div", *(_details(view, row) for row in view.rows), class_="recipes"),
        aria_labelledby="details",
    )


def _details(view: StudyView, row: Row) -> Html:
    """The anchor is inside the element, so that browsers open it when a link is followed."""
    summary = element(
        "summary",
        element("span", str(row.number), class_="pale"),
        element("h3", row.name),
        element("span", _summary(view, row), class_="short"),
    )
    return element("details", summary, element("div", _content(view, row), id=row.anchor, class_="inside"))


def _summary(view: StudyView, row: Row) -> str:
    if row.failed:
        return "failed"
    value = row.metrics.get(view.metric)
    parts = [size(bytes_of(view, row)), f"{view.metric_label} {metric(value.mean)}" if value else ""]
    return " · ".join(part for part in parts if part)


def _content(view: StudyView, row: Row) -> Html:
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
        return [heading, element("p", "None: the trained model in float32.")]
    toml = element("code", steps_as_toml(row.steps).strip())
    label = f"Steps of {row.name} in the syntax of recipe files"
    return [heading, element("pre", toml, tabindex="0", role="group", aria_label=label)]


def _formats(view: StudyView, row: Row) -> Html | None:
    if not row.formats:
        return None
    caption = f"Files of {row.name} and their {view.metric_label}"
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


def _range(value: Spread | None) -> str:
    """Bytes: one number if it is the same for all seeds, else minimum – maximum."""
    if value is None:
        return ""
    return count(value.low) if value.low == value.high else f"{count(value.low)} – {count(value.high)}"


def _against_full(view: StudyView, row: Row) -> Html | None:
    """The differences of all compared metrics; that of the study's metric is in the table of all recipes."""
    if len(row.against_full) < 2 or row.is_full:
        return None
    differences = row.against_full

    def better(name: str) -> bool:
        return view.higher_is_better if name == view.metric else name not in LOWER_IS_BETTER

    columns = [
        Column[str]("metric", lambda name: Cell(view.labels.get(name, name)), numeric=False),
        Column[str]("difference", lambda name: Cell(signed(differences[name].difference))),
        Column[str]("CI low", lambda name: Cell(signed(differences[name].low))),
        Column[str]("CI high", lambda name: Cell(signed(differences[name].high))),
        Column[str]("p", lambda name: Cell(p_value(differences[name].p_value))),
        Column[str](
            "result",
            lambda name: Cell(difference_text(differences[name], better(name))),
            numeric=False,
            short=True,
        ),
    ]
    caption = f"{row.name} minus the full model, with 95 % confidence intervals"
    heading = element("h4", "Differences from the full model")
    return joined([heading, table(caption, columns, differences, sortable=False)])


__all__ = ["details"]
