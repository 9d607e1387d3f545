"""The overview of a dataset as one HTML page without scripts or requests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from hanji.training.markup import Html, element, joined
from hanji.training.recommenders.data.distributions import period_of, quantiles_of, range_of
from hanji.training.recommenders.data.quality import QualityReport

_WIDTH, _HEIGHT, _BAR = 560.0, 260.0, 22.0


def overview_page(table: Mapping[str, Any], quality: QualityReport) -> str:
    """The page; ``table`` is that of ``overview_table``."""
    title, attributes = f"Data: {table['name']}", table["user_attributes"]
    sections = [
        _section("Sizes", _facts(table)),
        _section("What was read, guessed and left out", _list(quality.lines())),
        *([_section("Attributes of users", _list(attributes))] if attributes else []),
        _section("Interactions per user", _summary(table["per_user"]), _histogram(table["per_user"])),
        _section("Interactions per item", _summary(table["per_item"]), _histogram(table["per_item"])),
        _section("Popularity", *_popularity(table["popularity"])),
        _section("Most popular in training", _popular(table["most_popular"])),
    ]
    lead = element("p", str(table["licence"]))
    body = element("body", element("h1", title), lead, element("main", *sections))
    return f"<!doctype html>\n{element('html', _head(title), body, lang='en')}\n"


def _head(title: str) -> Html:
    style = files("hanji.training.recommenders.data").joinpath("overview.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Html(style)),
    )


def _section(heading: str, *content: Html) -> Html:
    return element("section", element("h2", heading), *content)


def _facts(table: Mapping[str, Any]) -> Html:
    heaviest = table["heaviest_user"]
    facts = {
        "format": table["format"] + (", synthetic" if table["synthetic"] else ""),
        "users": f"{table['users']:,}",
        "with a test item": f"{table['test_users']:,}",
        "with a validation item": f"{table['validation_users']:,}",
        "items": f"{table['items']:,}",
        "interactions": f"{table['interactions']:,}",
        "density": f"{table['density']:.3%}",
        "time": period_of(table["time"]),
        "heaviest user": f"{heaviest['id']} with {heaviest['interactions']:,}",
        "test": table["protocol"],
    }
    rows = (joined([element("dt", name), element("dd", fact)]) for name, fact in facts.items())
    return element("dl", *rows)


def _summary(table: Mapping[str, Any]) -> Html:
    return element("p", quantiles_of(table))


def _histogram(table: Mapping[str, Any]) -> Html:
    entries = table["histogram"]
    highest = max(entry["count"] for entry in entries)
    rows = [_bar(entry, highest, _BAR * index) for index, entry in enumerate(entries)]
    height = _BAR * len(entries)
    return element("svg", *rows, viewBox=f"0 0 {_WIDTH:g} {height:g}", role="img", aria_label="histogram")


def _bar(entry: Mapping[str, Any], highest: int, top: float) -> Html:
    width = (_WIDTH - 240.0) * entry["count"] / highest
    base = top + 15.0
    return joined(
        [
            element("text", range_of(entry), x=130.0, y=base, text_anchor="end"),
            element("rect", x=140.0, y=top + 3.0, width=width, height=_BAR - 6.0, rx=2.0),
            element("text", f"{entry['count']:,}", x=146.0 + width, y=base, class_="soft"),
        ]
    )


def _popularity(table: Mapping[str, Any]) -> list[Html]:
    points = " ".join(f"{_WIDTH * x:.1f},{_HEIGHT * (1 - y):.1f}" for x, y in table["curve"])
    frame = f"-4 -4 {_WIDTH + 8:g} {_HEIGHT + 8:g}"
    even = element("line", x1=0.0, y1=_HEIGHT, x2=_WIDTH, y2=0.0)
    shares = [
        f"{entry['interactions']:.0%} of the interactions are of the most popular {entry['items']:.0%}"
        for entry in table["shares"]
    ]
    lead = element("p", "Share of the interactions by share of the items, most popular first.")
    curve = element("svg", even, element("polyline", points=points), viewBox=frame, role="img")
    return [lead, curve, _list(shares)]


def _popular(entries: Sequence[Mapping[str, Any]]) -> Html:
    rows = (
        element("tr", element("td", f"{entry['interactions']:,}"), element("td", entry["title"]))
        for entry in entries
    )
    return element("table", *rows)


def _list(lines: Sequence[str]) -> Html:
    return element("ul", *(element("li", line.strip()) for line in lines))


__all__ = ["overview_page"]
