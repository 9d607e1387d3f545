"""The report of a build, for any task: report.json is machine-readable, report.md is for reading."""

from __future__ import annotations

import datetime
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.export.bundle.markdown import code, plain, table
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
    """The measurements of the full and the compressed model, with everything needed to reproduce them."""

    name: str
    recipe_sha256: str
    steps: list[dict[str, Any]]
    seed: int
    data: dict[str, Any]
    teacher_metrics: dict[str, float] | None
    """Metrics of the teacher if it is not the full model, measured in Keras: the teacher is not exported."""

    rows: list[Any]
    seconds: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, Any]
    when: str
    left_out: dict[str, str] = field(default_factory=dict, kw_only=True)
    """The formats that the bundle lacks, because they cannot represent the model, with the reasons."""

    @property
    def title(self) -> str:
        """The recipe, the data (marked if it is synthetic) and the seed."""
        kind = "synthetic data" if self.data["synthetic"] else "data"
        return f"{self.name}: full vs. compressed model on {kind} {self.data['name']!r}, seed {self.seed}"

    @property
    def headings(self) -> tuple[str, ...]:
        """The column headings of the table."""
        raise NotImplementedError

    @property
    def cells(self) -> list[list[str]]:
        """The cells of the table as text, one list per row, in the order of the headings."""
        raise NotImplementedError

    @property
    def notes(self) -> list[str]:
        """Notes that put the numbers into context."""
        raise NotImplementedError

    @property
    def all_notes(self) -> list[str]:
        """The formats that were left out, then ``notes``."""
        return [f"{name} LEFT OUT: {reason}" for name, reason in self.left_out.items()] + self.notes


def surroundings() -> dict[str, Any]:
    """``versions``, ``machine`` and ``when`` of a report created now on this machine."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "versions": {package: version(package) for package in PACKAGES},
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "when": now.isoformat(timespec="seconds"),
    }


def write_report(report: BuildReport, out: Path) -> None:
    """Write OUT/report.json and OUT/report.md."""
    text = json.dumps(asdict(report), indent=1, sort_keys=True, ensure_ascii=False)
    write_text_atomic(out / "report.json", text + "\n")
    write_text_atomic(out / "report.md", markdown(report))


def markdown(report: BuildReport) -> str:
    """The report as a Markdown document."""
    notes = "\n".join(f"- {plain(note)}" for note in report.all_notes)
    seconds = ", ".join(f"{stage} {value:.0f} s" for stage, value in report.seconds.items())
    steps = "\n".join(f"- {code(json.dumps(step, ensure_ascii=False))}" for step in report.steps)
    versions = ", ".join(f"{package} {number}" for package, number in report.versions.items())
    return (
        f"# {plain(report.title)}\n\n{table(report.headings, report.cells)}\n\n{notes}\n\n"
        f"## Compression steps\n\n{steps}\n\n"
        f"## Build\n\n"
        f"- Time per stage: {seconds}.\n"
        f"- Date: {report.when}.\n"
        f"- Machine: {report.machine['cores']} cores, {report.machine['system']}.\n"
        f"- Versions: {versions}.\n"
    )


__all__ = ["BuildReport", "markdown", "surroundings", "write_report"]
