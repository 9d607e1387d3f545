"""The report of a build, whatever its task: report.json for machines, report.md for people."""

from __future__ import annotations

import datetime
import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.export.reporting.markdown import table
from hanji.training.files import write_text_atomic

PACKAGES = (
    "hanji",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "onnxruntime",
    "numpy",
)


@dataclass(frozen=True)
class BuildReport:
    """The rows of full and compressed model, with all that is needed to repeat them."""

    name: str
    recipe_sha256: str
    steps: list[dict[str, Any]]
    seed: int
    data: dict[str, Any]
    teacher_metrics: dict[str, float] | None
    """Of the teacher, where it was not the full model; measured in Keras and numpy, for it does not ship."""

    rows: list[Any]
    seconds: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, Any]
    when: str

    @property
    def title(self) -> str:
        """What was compared, and on what; synthetic data is called so."""
        kind = "synthetic data" if self.data["synthetic"] else "data"
        return f"{self.name}: full against compressed on {kind} {self.data['name']!r}, seed {self.seed}"

    @property
    def headings(self) -> tuple[str, ...]:
        """Of the table's columns."""
        raise NotImplementedError

    @property
    def cells(self) -> list[list[str]]:
        """The table as text, a list a row, in the order of the headings."""
        raise NotImplementedError

    @property
    def notes(self) -> list[str]:
        """What a reader must know to take the numbers for what they are."""
        raise NotImplementedError


def surroundings() -> dict[str, Any]:
    """``versions``, ``machine`` and ``when`` of a report that is made here and now."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "versions": {package: version(package) for package in PACKAGES},
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "when": now.isoformat(timespec="seconds"),
    }


def write_report(report: BuildReport, out: Path) -> None:
    """OUT/report.json and OUT/report.md."""
    text = json.dumps(asdict(report), indent=1, sort_keys=True, ensure_ascii=False)
    write_text_atomic(out / "report.json", text + "\n")
    write_text_atomic(out / "report.md", markdown(report))


def markdown(report: BuildReport) -> str:
    """The report as a page."""
    notes = "\n".join(f"- {note}" for note in report.notes)
    seconds = ", ".join(f"{stage} {value:.0f} s" for stage, value in report.seconds.items())
    steps = "\n".join(f"- `{json.dumps(step, ensure_ascii=False)}`" for step in report.steps)
    versions = ", ".join(f"{package} {number}" for package, number in report.versions.items())
    return (
        f"# {report.title}\n\n{table(report.headings, report.cells)}\n\n{notes}\n\n## How\n\n{steps}\n\n"
        f"{seconds}. {report.when}, {report.machine['cores']} cores, {report.machine['system']}.\n"
        f"{versions}.\n"
    )


__all__ = ["BuildReport", "markdown", "surroundings", "write_report"]
