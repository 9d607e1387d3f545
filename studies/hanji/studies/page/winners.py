"""The best recipe within each budget, or the violated limits."""

from __future__ import annotations

from hanji.studies.page.front import bytes_of, latency_of
from hanji.studies.page.view import Budget, Row, StudyView
from hanji.studies.page.words import (
    ENGINES,
    difference_text,
    is_significant,
    listed,
    metric,
    milliseconds,
    plural,
    size,
    spread,
    times_smaller,
)
from hanji.training.markup import Html, element


def winners(view: StudyView) -> Html | None:
    """One card per budget, then the smallest row without a significant loss; None if there is neither."""
    cards = [_card(view, budget) for budget in view.budgets]
    smallest = _smallest_without_loss(view)
    if not cards and smallest is None:
        return None
    return element(
        "section",
        element("h2", "Best recipes", id="winners"),
        element("ul", *cards, class_="cards") if cards else None,
        smallest,
        aria_labelledby="winners",
    )


def _card(view: StudyView, budget: Budget) -> Html:
    row = view.row(budget.winner)
    parts = [element("h3", budget.name), element("p", _bounds(view, budget), class_="bounds")]
    if row is None:
        parts.append(element("p", "No recipe fits", class_="chosen bad"))
        parts.append(element("p", budget.violations or "No recipe of the study is within all limits."))
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
        side = "below" if view.higher_is_better else "above"
        bounds.append(f"{view.metric_label} at most {budget.max_drop:g} {side} the full model's")
    return listed(bounds) or "no limits"


def _facts(view: StudyView, row: Row) -> list[tuple[str, str]]:
    facts = [(view.metric_label, spread(row.metrics.get(view.metric)))]
    against = row.against_full.get(view.metric)
    if against is not None and not row.is_full:
        facts.append(("vs. full model", difference_text(against, view.higher_is_better)))
    smaller = "" if view.full is None else times_smaller(bytes_of(view, view.full), bytes_of(view, row))
    times = f", {smaller} times smaller" if smaller and not row.is_full else ""
    facts.append(("size", f"{size(bytes_of(view, row))}{times}"))
    latency = latency_of(view, row)
    if latency is not None:
        engine = ENGINES.get(view.first_engine or "", view.first_engine or "")
        facts.append(("median latency", f"{milliseconds(latency)} ms in {engine}"))
    return [(name, value) for name, value in facts if value]


def _smallest_without_loss(view: StudyView) -> Html | None:
    """A sentence with the confidence interval, since a non-significant difference is not equivalence."""
    candidates = [
        (bytes_, row)
        for row in view.done
        if not row.is_full
        and (difference := row.against_full.get(view.metric)) is not None
        and not is_significant(difference)
        and (bytes_ := bytes_of(view, row)) is not None
    ]
    if not candidates:
        return None
    smallest, row = min(candidates, key=lambda candidate: candidate[0])
    difference = row.against_full[view.metric]
    worst = max(0.0, -difference.low if view.higher_is_better else difference.high)
    over = f", {plural(difference.samples, 'sample')}" if difference.samples else ""
    return element(
        "p",
        "The smallest recipe without a significant difference from the full model is ",
        element("a", row.name, href=f"#{row.anchor}"),
        f" with {size(smallest)}. This does not prove equivalence: it may be worse by up to {metric(worst)} "
        f"(95\u00a0% confidence interval{over}).",
        class_="lead",
    )


__all__ = ["winners"]
