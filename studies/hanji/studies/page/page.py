"""study.html: all of a study in one file that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from hanji.studies.page.details import details
from hanji.studies.page.markup import Html, element
from hanji.studies.page.pareto import charts
from hanji.studies.page.reading import study_view
from hanji.studies.page.repeat import repeat
from hanji.studies.page.tables import tables
from hanji.studies.page.view import StudyView
from hanji.studies.page.winners import winners
from hanji.studies.page.words import TASKS, count, duration, moment, plain, plural
from hanji.training.files import write_text_atomic


def write_page(study: Mapping[str, Any], path: Path) -> None:
    """Write the page of a study, the dictionary of study.json, to ``path``, whole or not at all.

    The same dictionary gives the same bytes. Raises DataError if it is no study of this version, HanjiError
    if the page cannot be written.
    """
    write_text_atomic(path, page_of(study))


def page_of(study: Mapping[str, Any]) -> str:
    """The page as a text. Raises DataError if the dictionary is no study of this version."""
    view = study_view(study)
    css, script = _asset("page.css"), _asset("page.js")
    root = element("html", _head(view, css, script), _body(view, script), lang="en")
    return f"<!doctype html>\n{root}\n"


def _head(view: StudyView, css: Html, script: Html) -> Html:
    """The policy allows this one style and this one script by their hashes, and no request at all."""
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(css)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="hanji compare"),
        element("title", f"{view.name}: full against compressed"),
        # An empty picture, or browsers ask the server for /favicon.ico.
        element("link", rel="icon", href="data:,"),
        element("style", css),
    )


def _body(view: StudyView, script: Html) -> Html:
    return element(
        "body",
        element("a", "To the results", href="#main", class_="skip"),
        _header(view),
        element(
            "main",
            winners(view),
            charts(view),
            *tables(view),
            details(view),
            repeat(view),
            id="main",
            tabindex="-1",
        ),
        element("footer", element("p", "Drawn by hanji compare. All numbers are in study.json beside it.")),
        element("p", role="status", class_="unseen", id="told"),
        element("script", script),
    )


def _header(view: StudyView) -> Html:
    note = "The data is synthetic: a trial of the method, no finding about people."
    synthetic = element("p", note, class_="notice") if view.data.get("synthetic") else None
    return element(
        "header",
        element("p", f"Study · {TASKS.get(view.task, view.task)}", class_="kicker"),
        element("h1", view.name),
        element("p", _compared(view), class_="lead"),
        synthetic,
    )


def _compared(view: StudyView) -> str:
    """What was compared on what, with which seeds, when."""
    others = sum(not row.is_full for row in view.rows)
    failed = sum(row.failed for row in view.rows)
    name, samples = plain(view.data.get("name")), view.data.get("samples")
    on = f" on the data set {name}" if name else ""
    tested = f" ({count(samples)} test samples)" if isinstance(samples, int | float) else ""
    seeds = f"{plural(len(view.seeds), 'seed')} ({', '.join(view.seeds)})"
    run = f"Run on {moment(view.when)}" if view.when else ""
    took = f"{', in' if run else 'Run in'} {duration(view.seconds)}" if view.seconds is not None else ""
    sentences = [
        f"The full model against {plural(others, 'recipe')}{on}{tested}, {seeds}.",
        "All is measured on the exported files in their real engines.",
        f"{plural(failed, 'recipe')} failed and {'is' if failed == 1 else 'are'} listed with the reason."
        if failed
        else "",
        f"{run}{took}." if run or took else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _asset(name: str) -> Html:
    """A file beside this module, as it is put into the page."""
    return Html(files("hanji.studies.page").joinpath("assets", name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    """As a Content-Security-Policy names what it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


__all__ = ["page_of", "write_page"]
