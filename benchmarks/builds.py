"""Complete builds of a recipe with several seeds, and their results, for several benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from common import spread

ROOT = Path(__file__).parents[1]
HANJI = Path(sys.executable).with_name("hanji")
ENGINES = ("litert", "onnxruntime")


def build(recipe: Path, data: Path, out: Path, seed: int) -> dict:
    """The report of one build; an existing one of the same recipe is reused.

    An interrupted build is resumed, so a benchmark can be killed and restarted.
    """
    command = [HANJI, "build", recipe, "--data", data, "--out", out, "--seed", str(seed)]
    done = out / "done.txt"
    if not done.exists() or done.read_text() != recipe.read_text():
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        done.write_text(recipe.read_text())
    return json.loads((out / "report.json").read_text())


def rows_by_name(reports: list[dict]) -> dict[str, list[dict]]:
    """The rows of the full model and of the compressed one in each engine, one per report."""
    return {name: [_row(report, name) for report in reports] for name in ("full", *ENGINES)}


def _row(report: dict, name: str) -> dict:
    if name == "full":
        return next(row for row in report["rows"] if row["model"] == "full")
    rows = [row for row in report["rows"] if row["model"] == "compressed"]
    return next(row for row in rows if row["engine"].startswith(name))


def summarize(rows: list[dict]) -> dict:
    """Spread of each metric, size and latency."""
    metrics = {name: spread([row["metrics"][name] for row in rows]) for name in rows[0]["metrics"]}
    plain = ("bytes", "gzip_bytes", "recommend_p50_ms", "engine_p50_ms")
    return metrics | {name: spread([row[name] for row in rows]) for name in plain}


def seconds_by_stage(reports: list[dict]) -> dict:
    """Spread of the duration of each stage."""
    return {
        stage: spread([report["seconds"][stage] for report in reports]) for stage in reports[0]["seconds"]
    }


def print_table(summary: dict) -> None:
    """Print a summary as a table."""
    for name, values in summary.items():
        metrics = [
            f"{metric} {values[metric]['mean']:.4f} ± {values[metric]['sd']:.4f}"
            for metric in values
            if "_at_" in metric
        ]
        size = f"{values['bytes']['mean']:,.0f} bytes" if "bytes" in values else ""
        print(f"{name:<12} {'  '.join(metrics)}  {size}")
