"""How to reproduce the study: command, hashes, versions, machine."""

from __future__ import annotations

from hanji.studies.page.table import Cell, Column, listing, table
from hanji.studies.page.view import Run, StudyView
from hanji.studies.page.words import FORMATS, duration, named, plain, size
from hanji.training.markup import Html, element


def repeat(view: StudyView) -> Html:
    """The last section of the page."""
    return element(
        "section",
        element("h2", "Reproducing this study", id="repeat"),
        element(
            "p",
            "The same study file, seeds and versions reproduce all metrics exactly and all bundles with the "
            "same hashes. Times depend on the machine.",
            class_="lead",
        ),
        element("pre", element("code", view.command), tabindex="0", role="group", aria_label="Command"),
        listing(_run(view)),
        element("div", *_lists(view), class_="columns"),
        _hashes(view),
        aria_labelledby="repeat",
    )


def _run(view: StudyView) -> list[tuple[str, str]]:
    return [
        ("study, SHA-256", view.sha256),
        ("seeds", ", ".join(view.seeds)),
        ("date", view.when),
        ("duration", duration(view.seconds)),
    ]


def _lists(view: StudyView) -> list[Html]:
    parts = {
        "Data": {named(key): _value(key, value) for key, value in view.data.items()},
        "Engines": {FORMATS.get(key, key): plain(value) for key, value in view.engines.items()},
        "Versions": {key: plain(value) for key, value in view.versions.items()},
        "Machine": {named(key): _value(key, value) for key, value in view.machine.items()},
    }
    return [
        element("div", element("h3", heading), listing(values.items()))
        for heading, values in parts.items()
        if any(values.values())
    ]


def _value(key: str, value: object) -> str:
    """The value as text; bytes with a unit."""
    if key.endswith("_bytes") and isinstance(value, int | float) and not isinstance(value, bool):
        return size(value)
    return plain(value)


def _hashes(view: StudyView) -> Html | None:
    runs = [run for row in view.rows for run in row.runs if run.manifest_sha256]
    if not runs:
        return None
    columns = [
        Column[Run]("recipe", lambda run: Cell(run.recipe), numeric=False),
        Column[Run]("seed", lambda run: Cell(run.seed)),
        Column[Run]("manifest", lambda run: Cell(element("code", run.manifest_sha256)), numeric=False),
    ]
    if any(run.bundle_sha256 for run in runs):
        code = Column[Run]("all files", lambda run: Cell(element("code", run.bundle_sha256)), numeric=False)
        columns.append(code)
    caption = (
        "SHA-256 of each run's bundle: of its manifest, which lists the hashes of its files, and of all files"
    )
    inner = table(caption, columns, runs, sortable=False, kind="hashes")
    summary = element(
        "summary", element("h3", "Hashes of all bundles"), element("span", str(len(runs)), class_="short")
    )
    return element("details", summary, element("div", inner, class_="inside"))


__all__ = ["repeat"]
