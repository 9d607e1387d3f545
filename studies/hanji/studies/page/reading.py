"""Reads the content of study.json; missing or non-finite values become None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hanji.studies.page.view import (
    Budget,
    Confusion,
    Difference,
    Latency,
    Layer,
    Row,
    Run,
    Size,
    Slice,
    Spread,
    StudyView,
)
from hanji.training.errors import DataError

SCHEMA_VERSION = 1


def study_view(study: Mapping[str, Any]) -> StudyView:
    """The view of a study; DataError if it is not a study of schema version 1."""
    if study.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"study: expected schema_version {SCHEMA_VERSION}, found {study.get('schema_version')!r}; "
            "generate the page with the version of hanji that ran the study"
        )
    try:
        return _study(study)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"study: expected the content of study.json, found another structure ({type(error).__name__}: "
            f"{error}); run hanji compare again"
        ) from None


def _study(study: Mapping[str, Any]) -> StudyView:
    metric, first_format = study["metric"], str(study["first_format"])
    rows = tuple(_row(number, row, first_format) for number, row in enumerate(study["rows"], 1))
    return StudyView(
        name=str(study["name"]),
        task=str(study["task"]),
        command=str(study.get("command") or ""),
        sha256=str(study.get("study_sha256") or ""),
        when=str(study.get("when") or ""),
        seconds=_number(study.get("seconds")),
        seeds=tuple(str(seed) for seed in study["seeds"]),
        metric=str(metric["name"]),
        metric_label=str(metric.get("label") or metric["name"]),
        higher_is_better=bool(metric.get("higher_is_better", True)),
        first_format=first_format,
        first_engine=_first_engine(study, rows),
        data=dict(study.get("data") or {}),
        engines=dict(study.get("engines") or {}),
        versions=dict(study.get("versions") or {}),
        machine=dict(study.get("machine") or {}),
        labels=_labels(study),
        skipped=tuple(str(reason) for reason in study.get("left_out") or ()),
        budgets=tuple(_budget(budget) for budget in study.get("budgets") or ()),
        rows=rows,
    )


def _first_engine(study: Mapping[str, Any], rows: tuple[Row, ...]) -> str | None:
    """The engine of the first format as named in `latency`; `engines` has versions, as in "litert 2.3.0"."""
    measured = list(dict.fromkeys(engine for row in rows for engine in row.latency))
    name = str((study.get("engines") or {}).get(study["first_format"]) or "").split(" ")[0]
    return name if name in measured else next(iter(measured), None)


def _labels(study: Mapping[str, Any]) -> dict[str, str]:
    labels = {
        name: str(spread.get("label") or name)
        for row in study["rows"]
        for name, spread in (row.get("metrics") or {}).items()
        if spread
    }
    metric = study["metric"]
    return labels | {metric["name"]: str(metric.get("label") or metric["name"])}


def _budget(budget: Mapping[str, Any]) -> Budget:
    winner = budget.get("winner")
    return Budget(
        name=str(budget["name"]),
        max_bytes=_number(budget.get("max_bytes")),
        max_latency_ms=_number(budget.get("max_latency_ms")),
        max_drop=_number(budget.get("max_drop")),
        winner=None if winner is None else str(winner),
        violations=str(budget.get("binds") or ""),
    )


def _row(number: int, row: Mapping[str, Any], first_format: str) -> Row:
    counts = ("parameters", "non_zeros", "macs", "peak_bytes", "cold_start_ms")
    return Row(
        number=number,
        name=str(row["name"]),
        is_full=bool(row.get("is_full")),
        failed=row.get("status") == "failed",
        reason=str(row.get("reason") or ""),
        steps=tuple(dict(step) for step in row.get("steps") or ()),
        metrics=_each(row.get("metrics"), _spread),
        against_full=_each(row.get("against_full"), _difference),
        formats=dict(
            sorted(_each(row.get("formats"), _size).items(), key=lambda pair: pair[0] != first_format)
        ),
        latency=_each(row.get("latency"), _latency),
        counts=_each({name: row.get(name) for name in counts}, _number),
        agreement=_each(row.get("likeness"), _number),
        slices=tuple(_slice(part) for part in row.get("slices") or ()),
        confusion=_confusion(row.get("confusion")),
        layers=tuple(_layer(layer) for layer in row.get("layers") or ()),
        seconds=_each(row.get("seconds"), _number),
        runs=tuple(_run(str(row["name"]), run) for run in row.get("runs") or ()),
    )


def _run(recipe: str, run: Mapping[str, Any]) -> Run:
    hashes = (str(run.get(name) or "") for name in ("manifest_sha256", "bundle_sha256"))
    return Run(recipe, str(run.get("seed")), *hashes)


def _each(table: Mapping[str, Any] | None, read: Any) -> dict[str, Any]:
    """`table` with `read` applied to each value; values that were not measured are omitted."""
    pairs = ((str(name), read(value)) for name, value in (table or {}).items() if value is not None)
    return {name: value for name, value in pairs if value is not None}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else round(number)


def _spread(value: Any) -> Spread | None:
    if not isinstance(value, Mapping):
        value = {"mean": value}
    mean = _number(value.get("mean"))
    if mean is None:
        return None
    low, high = _number(value.get("min")), _number(value.get("max"))
    several = len(value.get("values") or ()) > 1
    return Spread(
        mean,
        _number(value.get("sd")) if several else None,
        mean if low is None else low,
        mean if high is None else high,
    )


def _difference(table: Mapping[str, Any]) -> Difference | None:
    numbers = [_number(table.get(name)) for name in ("difference", "low", "high")]
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return None
    return Difference(
        numbers[0], numbers[1], numbers[2], _number(table.get("p_value")), _integer(table.get("samples"))
    )


def _size(table: Mapping[str, Any]) -> Size:
    return Size(*(_spread(table.get(name)) for name in ("bytes", "gzip_bytes", "metric")))


def _latency(table: Mapping[str, Any]) -> Latency:
    return Latency(*(_number(table.get(name)) for name in ("p50_ms", "p90_ms", "engine_p50_ms")))


def _slice(table: Mapping[str, Any]) -> Slice:
    return Slice(
        str(table.get("group") or ""),
        str(table["name"]),
        _integer(table.get("samples")),
        _number(table.get("mean")),
        _number(table.get("sd")),
    )


def _confusion(table: Mapping[str, Any] | None) -> Confusion | None:
    if not table:
        return None
    counts = tuple(tuple(float(count) for count in line) for line in table["counts"])
    return Confusion(tuple(str(label) for label in table["labels"]), counts)


def _layer(table: Mapping[str, Any]) -> Layer:
    return Layer(str(table["layer"]), _number(table.get("error")), _integer(table.get("weights")))


__all__ = ["SCHEMA_VERSION", "study_view"]
