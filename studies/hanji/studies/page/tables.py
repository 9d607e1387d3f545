"""The tables that compare all recipes: first all in short, then significance, quality, size and speed."""

from __future__ import annotations

from hanji.studies.page.columns import (
    RowColumn,
    count_column,
    difference_column,
    failure,
    keys,
    latency_column,
    likeness_column,
    measured,
    metric_column,
    naming,
    numbers,
    seconds_column,
    size_column,
)
from hanji.studies.page.front import bytes_of, front_rows, latency_of
from hanji.studies.page.markup import Html, element
from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Row, StudyView
from hanji.studies.page.words import (
    ENGINES,
    FORMATS,
    LOWER_IS_BETTER,
    count,
    named,
    p_value,
    plural,
    signed,
    times_smaller,
    timing,
    verdict,
)

LIKENESS = {
    "overlap_at_10": "same 10 best",
    "same_class": "same class",
    "rank_correlation": "rank correlation",
}
SIZE_COUNTS = {"parameters": "parameters", "non_zeros": "non-zeros", "macs": "MACs"}
SPEED_COUNTS = {"cold_start_ms": "cold start ms", "peak_bytes": "peak memory"}


def tables(view: StudyView) -> list[Html]:
    """A section each; those of which nothing was measured are left out, but for the first."""
    seeds = plural(len(view.seeds), "seed")
    spread = f"mean ± standard deviation over {seeds}" if len(view.seeds) > 1 else "one seed, so no spread"
    overview = table(f"All recipes; {spread}", _overview(view), view.rows, named=1, whole=failure)
    sections = [_section("recipes", "All recipes", "", overview, _left_out(view))]
    compared = [row for row in view.done if view.metric in row.against_full and not row.is_full]
    if compared:
        caption = f"{view.metric_label} less the full model's, with 95 % interval and p"
        tested = table(caption, _significance(view), compared, named=1)
        sections.append(_section("significance", "Against the full model", _meaning(view, compared), tested))
    for key, heading, note, columns in (
        ("quality", "Quality", spread, _quality(view)),
        ("sizes", "Size", f"means over {seeds}", _sizes(view)),
        ("speed", "Speed, memory and time", "milliseconds where nothing else is said", _speed(view)),
    ):
        shown = measured(columns, view.done)
        if shown:
            caption = f"{heading} of each recipe that did not fail; {note}"
            found = table(caption, [*naming(view), *shown], view.done, named=1)
            sections.append(_section(key, heading, "", found))
    return sections


def _overview(view: StudyView) -> list[RowColumn]:
    format_name = FORMATS.get(view.first_format, view.first_format)
    full_bytes = None if view.full is None else bytes_of(view, view.full)

    def smaller(row: Row) -> Cell:
        own = bytes_of(view, row)
        return Cell(times_smaller(full_bytes, own), full_bytes / own if full_bytes and own else None)

    def against(row: Row) -> Cell:
        found = row.against_full.get(view.metric)
        return Cell(verdict(found, view.higher_is_better), None if found is None else found.difference)

    timed = [numbers(f"p50 ms in {_engine(view.first_engine)}", lambda row: latency_of(view, row), timing)]
    others = [
        Column("against full", against, numeric=False, best_first=view.higher_is_better, short=True),
        size_column(f"{format_name} bytes", view.first_format, lambda found: found.bytes),
        size_column("gzip bytes", view.first_format, lambda found: found.gzip_bytes),
        Column("times smaller", smaller, best_first=True),
        *(timed if view.first_engine else []),
        _fronts(view),
    ]
    return [
        *naming(view, tags=True),
        metric_column(view.metric_label, view.metric, view.higher_is_better),
        *measured(others, view.done),
    ]


def _fronts(view: StudyView) -> RowColumn:
    """The charts' line, in words."""
    fronts = {
        "size": {row.number for row in front_rows(view, bytes_of)},
        "latency": {row.number for row in front_rows(view, latency_of)},
    }

    def cell(row: Row) -> Cell:
        return Cell(" · ".join(name for name, chosen in fronts.items() if row.number in chosen))

    return Column("on the front of", cell, numeric=False, short=True)


def _significance(view: StudyView) -> list[RowColumn]:
    """The paired test of the study's metric."""

    def words(row: Row) -> Cell:
        return Cell(verdict(row.against_full.get(view.metric), view.higher_is_better))

    return [
        *naming(view),
        difference_column("difference", view.metric, lambda found: found.difference, signed),
        difference_column("from", view.metric, lambda found: found.low, signed),
        difference_column("to", view.metric, lambda found: found.high, signed),
        difference_column("p", view.metric, lambda found: found.p_value, p_value),
        Column("in words", words, numeric=False, short=True),
    ]


def _quality(view: StudyView) -> list[RowColumn]:
    """All metrics, and the likeness to the full model."""
    likeness = keys(row.likeness for row in view.done)
    return [
        *(
            metric_column(view.labels[name], name, name not in LOWER_IS_BETTER)
            for name in keys(row.metrics for row in view.done)
        ),
        *(likeness_column(LIKENESS.get(name, named(name)), name) for name in likeness),
    ]


def _sizes(view: StudyView) -> list[RowColumn]:
    """Bytes of each format, and what the network is made of."""
    columns = []
    for name in keys(row.formats for row in view.done):
        heading = FORMATS.get(name, name)
        columns.append(size_column(f"{heading} bytes", name, lambda found: found.bytes))
        columns.append(size_column(f"{heading} gzip", name, lambda found: found.gzip_bytes))
    return columns + _counts(view, SIZE_COUNTS)


def _speed(view: StudyView) -> list[RowColumn]:
    """Latency by engine, memory, cold start, and how long it took to make."""
    columns = []
    for engine in keys(row.latency for row in view.done):
        columns.append(latency_column(f"{_engine(engine)} p50", engine, lambda found: found.p50_ms))
        columns.append(latency_column(f"{_engine(engine)} p90", engine, lambda found: found.p90_ms))
    columns += _counts(view, SPEED_COUNTS)
    return columns + [seconds_column(name) for name in keys(row.seconds for row in view.done)]


def _counts(view: StudyView, headings: dict[str, str]) -> list[RowColumn]:
    measured = keys(row.counts for row in view.done)
    return [count_column(heading, name) for name, heading in headings.items() if name in measured]


def _engine(name: str | None) -> str:
    return ENGINES.get(name or "", name or "")


def _meaning(view: StudyView, compared: list[Row]) -> str:
    counted = {row.against_full[view.metric].samples for row in compared}
    samples = counted.pop() if len(counted) == 1 else None
    over = f"seeds and {count(samples)} test samples" if samples else "seeds and test samples"
    meaning = (
        f"Paired bootstrap over {over}. “No difference seen” says that the interval holds zero, not that "
        "both are the same."
    )
    if len(compared) < 5:
        return meaning
    return f"{meaning} Among so many comparisons some differ by chance alone: p is not corrected for that."


def _left_out(view: StudyView) -> Html | None:
    """Combinations of a grid that nothing was measured of."""
    if not view.left_out:
        return None
    number = plural(len(view.left_out), "combination")
    summary = element("summary", element("h3", f"{number} of the grid left out"))
    reasons = element("ul", *(element("li", reason) for reason in view.left_out))
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
