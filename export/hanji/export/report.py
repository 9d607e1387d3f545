"""What a build reached: report.json for machines, report.md for people."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.compression.compressed import CompressedModel
from hanji.compression.recipe import Recipe
from hanji.export.measure import Row
from hanji.training.data import Dataset
from hanji.training.evaluation import PROTOCOL
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
METRICS = ("hr_at_10", "ndcg_at_10", "precision_at_10", "diversity_at_10")
HEADINGS = ("model", "format", "HR@10", "NDCG@10", "Prec@10", "Div@10", "bytes", "gzip", "p50 ms", "engine")


@dataclass(frozen=True)
class Report:
    """The rows of full and compressed model, with all that is needed to repeat them."""

    name: str
    recipe_sha256: str
    steps: list[dict[str, Any]]
    seed: int
    data: dict[str, Any]
    best_hr_at_10: float | None
    teacher_metrics: dict[str, float] | None
    """Of the teacher, where it was not the full model; measured in Keras and numpy, for it does not ship."""

    rows: list[Row]
    seconds: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, Any]
    when: str

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        compressed: CompressedModel,
        dataset: Dataset,
        rows: Sequence[Row],
        seconds: dict[str, float],
    ) -> Report:
        """The report of one build on this machine, now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return cls(
            name=recipe.name,
            recipe_sha256=recipe.sha256,
            steps=recipe.tables,
            seed=compressed.full.seed,
            data=vars(compressed.full.data),
            best_hr_at_10=dataset.best_hr_at_10,
            teacher_metrics=compressed.teacher_metrics,
            rows=list(rows),
            seconds=seconds,
            versions={package: version(package) for package in PACKAGES},
            machine={"system": platform.platform(), "cores": os.cpu_count()},
            when=now.isoformat(timespec="seconds"),
        )

    @property
    def title(self) -> str:
        """What was compared, and on what; synthetic data is called so."""
        kind = "synthetic data" if self.data["synthetic"] else "data"
        return f"{self.name}: full against compressed on {kind} {self.data['name']!r}, seed {self.seed}"

    @property
    def cells(self) -> list[list[str]]:
        """The table as text, a list a row, in the order of HEADINGS."""
        return [_cells(row) for row in self.rows]

    @property
    def notes(self) -> list[str]:
        """What a reader must know to take the numbers for what they are."""
        full, small = self.rows[0], self.rows[1]
        notes = [f"Measured on the exported files through the runtime, one thread; {PROTOCOL}."]
        if self.best_hr_at_10 is not None:
            notes.append(
                f"The data is synthetic; no model can expect a better HR@10 than {self.best_hr_at_10:.4f}."
            )
        if self.teacher_metrics is not None:
            reached = (self.teacher_metrics[name] for name in ("hr_at_10", "ndcg_at_10"))
            found = "HR@10 {:.4f}, NDCG@10 {:.4f}".format(*reached)
            notes.append(f"The teacher, an ensemble that does not ship, reaches {found}.")
        for name, heading in (("hr_at_10", "HR@10"), ("ndcg_at_10", "NDCG@10")):
            kept = small.metrics[name] / full.metrics[name]
            notes.append(f"The compressed model keeps {kept:.1%} of the full one's {heading}.")
        notes.append(f"Its {small.format} file is {full.bytes / small.bytes:.1f} times smaller.")
        return notes


def write_report(report: Report, out: Path) -> None:
    """OUT/report.json and OUT/report.md."""
    text = json.dumps(asdict(report), indent=1, sort_keys=True, ensure_ascii=False)
    write_text_atomic(out / "report.json", text + "\n")
    write_text_atomic(out / "report.md", markdown(report))


def markdown(report: Report) -> str:
    """The report as a page."""
    rule = ["---"] * len(HEADINGS)
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in [list(HEADINGS), rule, *report.cells])
    notes = "\n".join(f"- {note}" for note in report.notes)
    seconds = ", ".join(f"{stage} {value:.0f} s" for stage, value in report.seconds.items())
    steps = "\n".join(f"- `{json.dumps(step)}`" for step in report.steps)
    versions = ", ".join(f"{package} {number}" for package, number in report.versions.items())
    return (
        f"# {report.title}\n\n{table}\n\n{notes}\n\n## How\n\n{steps}\n\n"
        f"{seconds}. {report.when}, {report.machine['cores']} cores, {report.machine['system']}.\n"
        f"{versions}.\n"
    )


def _cells(row: Row) -> list[str]:
    metrics = [f"{row.metrics[name]:.4f}" if name in row.metrics else "" for name in METRICS]
    sizes = [f"{row.bytes:,}", f"{row.gzip_bytes:,}"]
    return [
        row.model,
        f"{row.format} {row.precision}",
        *metrics,
        *sizes,
        f"{row.recommend_p50_ms:.3f}",
        row.engine,
    ]
