"""The tables of all recipes: an overview, then differences, quality, size and speed."""

from __future__ import annotations

from hanji.studies.page.columns import (
    RowColumn,
    agreement_column,
    count_column,
    difference_column,
    failure,
    keys,
    latency_column,
    measured,
    metric_column,
    name_columns,
    numbers,
    seconds_column,
    size_column,
)
from hanji.studies.page.front import bytes_of, front_rows, latency_of
from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Row, StudyView
from hanji.studies.page.words import (
    ENGINES,
    FORMATS,
    LOWER_IS_BETTER,
    count,
    difference_text,
    named,
    p_value,
    plural,
    signed,
    times_smaller,
    timing,
)
from hanji.training.markup import Html, element

AGREEMENT = {
    "overlap_at_10": "top-10 overlap",
    "same_class": "same class",
    "rank_correlation": "rank correlation",
}
SIZE_COUNTS = {"parameters": "parameters", "non_zeros": "non-zeros", "macs": "MACs"}
SPEED_COUNTS = {"cold_start_ms": "cold start ms", "peak_bytes": "peak memory"}


def tables(view: StudyView) -> list[Html]:
    """One section per table; sections without measurements are omitted, except for the first."""
    seeds = plural(len(view.seeds), "seed")
    spread = f"mean ± standard deviation over {seeds}" if len(view.seeds) > 1 else "one seed, no spread"
    overview = table(f"All recipes; {spread}", _overview(view), view.rows, named=1, whole=failure)
    sections = [_section("recipes", "All recipes", "", overview, _skipped(view))]
    compared = [row for row in view.done if view.metric in row.against_full and not row.is_full]
    if compared:
        caption = f"{view.metric_label} minus the full model's, with 95 % confidence interval and p-value"
        differences = table(caption, _differences(view), compared, named=1)
        note = _explanation(view, compared)
        sections.append(_section("significance", "Differences from the full model", note, differences))
    for key, heading, note, columns in (
        ("quality", "Quality", spread, _quality(view)),
        ("sizes", "Size", f"means over {seeds}", _sizes(view)),
        ("speed", "Speed, memory and time", "in milliseconds unless stated otherwise", _speed(view)),
    ):
        shown = measured(columns, view.done)
        if shown:
            caption = f"{heading} of all recipes that did not fail; {note}"
            content = table(caption, [*name_columns(view), *shown], view.done, named=1)
            sections.append(_section(key, heading, "", content))
    return sections


def _overview(view: StudyView) -> list[RowColumn]:
    format_name = FORMATS.get(view.first_format, view.first_format)
    full_bytes = None if view.full is None else bytes_of(view, view.full)

    def smaller(row: Row) -> Cell:
        bytes_ = bytes_of(view, row)
        return Cell(times_smaller(full_bytes, bytes_), full_bytes / bytes_ if full_bytes and bytes_ else None)

    def against(row: Row) -> Cell:
        found = row.against_full.get(view.metric)
        text = difference_text(found, view.higher_is_better)
        return Cell(text, None if found is None else found.difference)

    latency = [numbers(f"p50 ms in {_engine(view.first_engine)}", lambda row: latency_of(view, row), timing)]
    others = [
        Column("vs. full model", against, numeric=False, best_first=view.higher_is_better, short=True),
        size_column(f"{format_name} bytes", view.first_format, lambda sizes: sizes.bytes),
        size_column("gzip bytes", view.first_format, lambda sizes: sizes.gzip_bytes),
        Column("times smaller", smaller, best_first=True),
        *(latency if view.first_engine else []),
        _fronts(view),
    ]
    return [
        *name_columns(view, tags=True),
        metric_column(view.metric_label, view.metric, view.higher_is_better),
        *measured(others, view.done),
    ]


def _fronts(view: StudyView) -> RowColumn:
    """The Pareto fronts that a row is on."""
    fronts = {
        "size": {row.number for row in front_rows(view, bytes_of)},
        "latency": {row.number for row in front_rows(view, latency_of)},
    }

    def cell(row: Row) -> Cell:
        return Cell(" · ".join(name for name, numbers in fronts.items() if row.number in numbers))

    return Column("Pareto front", cell, numeric=False, short=True)


def _differences(view: StudyView) -> list[RowColumn]:
    """The differences from the full model in the study's metric."""

    def text(row: Row) -> Cell:
        return Cell(difference_text(row.against_full.get(view.metric), view.higher_is_better))

    return [
        *name_columns(view),
        difference_column("difference", view.metric, lambda found: found.difference, signed),
        difference_column("CI low", view.metric, lambda found: found.low, signed),
        difference_column("CI high", view.metric, lambda found: found.high, signed),
        difference_column("p", view.metric, lambda found: found.p_value, p_value),
        Column("result", text, numeric=False, short=True),
    ]


def _quality(view: StudyView) -> list[RowColumn]:
    """All metrics, and the agreement with the full model."""
    agreement = keys(row.agreement for row in view.done)
    return [
        *(
            metric_column(view.labels[name], name, name not in LOWER_IS_BETTER)
            for name in keys(row.metrics for row in view.done)
        ),
        *(agreement_column(AGREEMENT.get(name, named(name)), name) for name in agreement),
    ]


def _sizes(view: StudyView) -> list[RowColumn]:
    """Bytes of each format, parameters, non-zeros and MACs."""
    columns = []
    for name in keys(row.formats for row in view.done):
        heading = FORMATS.get(name, name)
        columns.append(size_column(f"{heading} bytes", name, lambda sizes: sizes.bytes))
        columns.append(size_column(f"{heading} gzip", name, lambda sizes: sizes.gzip_bytes))
    return columns + _counts(view, SIZE_COUNTS)


def _speed(view: StudyView) -> list[RowColumn]:
    """Latency by engine, memory, cold start, and the duration of each stage."""
    columns = []
    for engine in keys(row.latency for row in view.done):
        columns.append(latency_column(f"{_engine(engine)} p50", engine, lambda latency: latency.p50_ms))
        columns.append(latency_column(f"{_engine(engine)} p90", engine, lambda latency: latency.p90_ms))
    columns += _counts(view, SPEED_COUNTS)
    return columns + [seconds_column(name) for name in keys(row.seconds for row in view.done)]


def _counts(view: StudyView, headings: dict[str, str]) -> list[RowColumn]:
    measured = keys(row.counts for row in view.done)
    return [count_column(heading, name) for name, heading in headings.items() if name in measured]


def _engine(name: str | None) -> str:
    return ENGINES.get(name or "", name or "")


def _explanation(view: StudyView, compared: list[Row]) -> str:
    counts = {row.against_full[view.metric].samples for row in compared}
    samples = counts.pop() if len(counts) == 1 else None
    over = f"seeds and {count(samples)} test samples" if samples else "seeds and test samples"
    explanation = (
        f"Paired bootstrap over {over}. “No significant difference” means that the confidence interval "
        "includes zero, not that the models are equivalent."
    )
    if len(compared) < 5:
        return explanation
    return f"{explanation} The p-values are not corrected for multiple comparisons."


def _skipped(view: StudyView) -> Html | None:
    """The invalid combinations of a grid."""
    if not view.skipped:
        return None
    number = plural(len(view.skipped), "invalid combination")
    summary = element("summary", element("h3", f"{number} of the grid skipped"))
    reasons = element("ul", *(element("li", reason) for reason in view.skipped))
    return element("details", summary, element("div", reasons, class_="inside"))


def _section(key: str, heading: str, lead: str, *content: Html | None) -> Html:
    return element(
        "section",
        element("h2", heading, id=key),
        element("p", lead, class_="lead") if lead else None,
        *content,
        aria_labelledby=key,
    )


__all__ = ["tables"]
