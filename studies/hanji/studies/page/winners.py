"""What a reader came for: which recipe to take under each budget, or which bound stands in the way."""

from __future__ import annotations

from hanji.studies.page.front import bytes_of, latency_of
from hanji.studies.page.markup import Html, element
from hanji.studies.page.view import Budget, Row, StudyView
from hanji.studies.page.words import (
    ENGINES,
    is_seen,
    listed,
    metric,
    milliseconds,
    plural,
    size,
    spread,
    times_smaller,
    verdict,
)


def winners(view: StudyView) -> Html | None:
    """One card a budget, then the smallest row that was not seen to lose; None if there is neither."""
    cards = [_card(view, budget) for budget in view.budgets]
    smallest = _smallest_equal(view)
    if not cards and smallest is None:
        return None
    return element(
        "section",
        element("h2", "What to take", id="winners"),
        element("ul", *cards, class_="cards") if cards else None,
        smallest,
        aria_labelledby="winners",
    )


def _card(view: StudyView, budget: Budget) -> Html:
    row = view.row(budget.winner)
    parts = [element("h3", budget.name), element("p", _bounds(view, budget), class_="bounds")]
    if row is None:
        parts.append(element("p", "Nothing fits", class_="chosen bad"))
        parts.append(element("p", budget.binds or "No recipe of the study is within all bounds."))
        return element("li", *parts, class_="card none")
    parts.append(element("p", element("a", row.name, href=f"#{row.anchor}"), class_="chosen"))
    parts.append(
        element("dl", *(element("div", element("dt", k), element("dd", v)) for k, v in _facts(view, row)))
    )
    return element("li", *parts, class_="card")


def _bounds(view: StudyView, budget: Budget) -> str:
    bounds = []
    if budget.max_bytes is not None:
        bounds.append(f"at most {size(budget.max_bytes)}")
    if budget.max_latency_ms is not None:
        bounds.append(f"at most {milliseconds(budget.max_latency_ms)} ms")
    if budget.max_drop is not None:
        turn = "less" if view.higher_is_better else "more"
        bounds.append(f"{view.metric_label} at most {budget.max_drop:g} {turn} than the full model's")
    return listed(bounds) or "no bound: the best of all"


def _facts(view: StudyView, row: Row) -> list[tuple[str, str]]:
    found = [(view.metric_label, spread(row.metrics.get(view.metric)))]
    against = row.against_full.get(view.metric)
    if against is not None and not row.is_full:
        found.append(("against full", verdict(against, view.higher_is_better)))
    smaller = "" if view.full is None else times_smaller(bytes_of(view, view.full), bytes_of(view, row))
    times = f", {smaller} times smaller" if smaller and not row.is_full else ""
    found.append(("size", f"{size(bytes_of(view, row))}{times}"))
    latency = latency_of(view, row)
    if latency is not None:
        engine = ENGINES.get(view.first_engine or "", view.first_engine or "")
        found.append(("median call", f"{milliseconds(latency)} ms in {engine}"))
    return [(name, value) for name, value in found if value]


def _smallest_equal(view: StudyView) -> Html | None:
    """In a sentence; an interval that holds zero is no proof of sameness, and the sentence says so."""
    unseen = [
        (found_bytes, row)
        for row in view.done
        if not row.is_full
        and (difference := row.against_full.get(view.metric)) is not None
        and not is_seen(difference)
        and (found_bytes := bytes_of(view, row)) is not None
    ]
    if not unseen:
        return None
    smallest, row = min(unseen, key=lambda found: found[0])
    difference = row.against_full[view.metric]
    worst = max(0.0, -difference.low if view.higher_is_better else difference.high)
    over = f"{plural(difference.samples, 'sample')}, " if difference.samples else ""
    return element(
        "p",
        "The smallest in which this study sees no difference from the full model is ",
        element("a", row.name, href=f"#{row.anchor}"),
        f" with {size(smallest)}. That is not to say that there is none: it may be worse by up to "
        f"{metric(worst)} ({over}95\u00a0% interval).",
        class_="lead",
    )


__all__ = ["winners"]
