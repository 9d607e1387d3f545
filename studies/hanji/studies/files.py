"""The results of a study as files: study.json, and study.csv for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.export.bundle.build_report import surroundings
from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.runtime.terminal import printable_line
from hanji.studies.comparison import Comparison
from hanji.studies.results import LABELS, LOWER_IS_BETTER, SCHEMA_VERSION, Row
from hanji.studies.winners import winner
from hanji.training.files import write_text_atomic

Table = dict[str, Any]
_FORMULA = ("=", "+", "-", "@")
DISTRIBUTIONS = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}


def study_table(comparison: Comparison, command: str) -> Table:
    """The content of study.json; ``command`` reproduces it."""
    study = comparison.study
    metric = study.metric
    engines = {name: _with_version(DEVICE_ENGINES[name]) for name in study.formats if name in DEVICE_ENGINES}
    criteria = {"metric": metric, "format": study.formats[0], "engine": study.engine}
    about = surroundings()
    if comparison.timed_on:
        about["machine"]["timed_on"] = comparison.timed_on
    winners = [winner(budget, comparison.rows, **criteria) for budget in study.budgets]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": study.name,
        "task": study.base.task,
        "command": command,
        "study_sha256": study.sha256,
        **about,
        "seconds": comparison.seconds,
        "data": comparison.data,
        "seeds": list(study.seeds),
        "metric": {
            "name": metric,
            "label": LABELS[metric],
            "higher_is_better": metric not in LOWER_IS_BETTER,
        },
        "engines": engines,
        "first_format": study.formats[0],
        "budgets": [
            {**asdict(best.budget), "winner": best.name, "binds": best.violations} for best in winners
        ],
        "left_out": list(study.skipped),
        "rows": [_row_table(row) for row in comparison.rows],
    }


def write_study(table: Table, out: Path) -> None:
    """Write OUT/study.json and OUT/study.csv."""
    text = json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False)
    write_text_atomic(out / "study.json", text + "\n")
    write_text_atomic(out / "study.csv", csv_of(table))


def csv_of(table: Table) -> str:
    """One line per recipe; missing values are empty."""
    lines = [_flat(row, table) for row in table["rows"]]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: _cell(name) for name in columns})
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: a line that begins like one gets an apostrophe."""
    if not isinstance(value, str):
        return value
    line = printable_line(value)
    return f"'{line}" if line.startswith(_FORMULA) else line


def _with_version(engine: str) -> str:
    return f"{engine} {version(DISTRIBUTIONS[engine])}"


def _row_table(row: Row) -> Table:
    full = not row.variant.tables
    steps: Sequence[Table] = list(row.variant.tables)
    head = {"name": row.variant.name, "is_full": full, "steps": steps}
    metrics = _each(row.metrics)
    for name, values in (metrics or {}).items():
        values["label"] = LABELS[name]
    footprint = row.footprint
    return {
        **head,
        "status": "failed" if row.failed else "done",
        "reason": row.reason,
        "metrics": metrics,
        "against_full": _each(row.against_full),
        "formats": _each(row.formats),
        "parameters": row.parameters,
        "non_zeros": row.non_zeros,
        "macs": row.macs,
        "latency": _each(row.latency),
        "peak_bytes": footprint and footprint.peak_bytes,
        "cold_start_ms": footprint and footprint.cold_start_ms,
        "likeness": row.agreement,
        "slices": None if row.slices is None else [asdict(result) for result in row.slices],
        "confusion": row.confusion,
        "layers": row.layers,
        "seconds": row.seconds,
        "runs": list(row.runs),
    }


def _each(values: dict[str, Any] | None) -> Table | None:
    return None if values is None else {name: asdict(value) for name, value in values.items()}


def _flat(row: Table, table: Table) -> dict[str, Any]:
    line: dict[str, Any] = {"name": row["name"], "status": row["status"], "reason": row["reason"]}
    for name, values in (row["metrics"] or {}).items():
        line[name], line[f"{name}_sd"] = values["mean"], values["sd"]
    for name, difference in (row["against_full"] or {}).items():
        line |= {f"{name}_{key}": difference[key] for key in ("difference", "low", "high", "p_value")}
    for name, sizes in (row["formats"] or {}).items():
        line |= {f"{name}_bytes": sizes["bytes"]["mean"], f"{name}_gzip_bytes": sizes["gzip_bytes"]["mean"]}
    for engine, times in (row["latency"] or {}).items():
        line |= {f"{engine}_{key}": value for key, value in times.items()}
    plain = ("parameters", "non_zeros", "macs", "peak_bytes", "cold_start_ms")
    line |= {name: row[name] for name in plain} | (row["likeness"] or {})
    return line | {f"{stage}_seconds": value for stage, value in (row["seconds"] or {}).items()}


__all__ = ["csv_of", "study_table", "write_study"]
