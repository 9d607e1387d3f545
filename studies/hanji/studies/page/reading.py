"""Reads the dictionary of study.json; what is missing or not finite is None, never zero."""

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
    """Raises DataError if this is no study of schema version 1."""
    if study.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"study: expected schema_version {SCHEMA_VERSION}, found {study.get('schema_version')!r}; write "
            "the page with the version of Hanji that ran the study"
        )
    try:
        return _study(study)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"study: is not laid out as study.json is ({type(error).__name__}: {error}); run hanji compare "
            "again"
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
        left_out=tuple(str(reason) for reason in study.get("left_out") or ()),
        budgets=tuple(_budget(budget) for budget in study.get("budgets") or ()),
        rows=rows,
    )


def _first_engine(study: Mapping[str, Any], rows: tuple[Row, ...]) -> str | None:
    """`engines` holds "litert 2.3.0" where `latency` holds "litert"."""
    measured = list(dict.fromkeys(engine for row in rows for engine in row.latency))
    named = str((study.get("engines") or {}).get(study["first_format"]) or "").split(" ")[0]
    return named if named in measured else next(iter(measured), None)


def _labels(study: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name: str(spread.get("label") or name)
        for row in study["rows"]
        for name, spread in (row.get("metrics") or {}).items()
        if spread
    }
    metric = study["metric"]
    return found | {metric["name"]: str(metric.get("label") or metric["name"])}


def _budget(budget: Mapping[str, Any]) -> Budget:
    winner = budget.get("winner")
    return Budget(
        name=str(budget["name"]),
        max_bytes=_number(budget.get("max_bytes")),
        max_latency_ms=_number(budget.get("max_latency_ms")),
        max_drop=_number(budget.get("max_drop")),
        winner=None if winner is None else str(winner),
        binds=str(budget.get("binds") or ""),
    )


def _row(number: int, row: Mapping[str, Any], first_format: str) -> Row:
    counted = ("parameters", "non_zeros", "macs", "peak_bytes", "cold_start_ms")
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
        counts=_each({name: row.get(name) for name in counted}, _number),
        likeness=_each(row.get("likeness"), _number),
        slices=tuple(_slice(found) for found in row.get("slices") or ()),
        confusion=_confusion(row.get("confusion")),
        layers=tuple(_layer(layer) for layer in row.get("layers") or ()),
        seconds=_each(row.get("seconds"), _number),
        runs=tuple(_run(str(row["name"]), run) for run in row.get("runs") or ()),
    )


def _run(recipe: str, run: Mapping[str, Any]) -> Run:
    hashes = (str(run.get(name) or "") for name in ("manifest_sha256", "bundle_sha256"))
    return Run(recipe, str(run.get("seed")), *hashes)


def _each(found: Mapping[str, Any] | None, read: Any) -> dict[str, Any]:
    """`found` with each value read; those that were not measured are left out."""
    pairs = ((str(name), read(value)) for name, value in (found or {}).items() if value is not None)
    return {name: value for name, value in pairs if value is not None}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    found = _number(value)
    return None if found is None else round(found)


def _spread(found: Any) -> Spread | None:
    if not isinstance(found, Mapping):
        found = {"mean": found}
    mean = _number(found.get("mean"))
    if mean is None:
        return None
    low, high = _number(found.get("min")), _number(found.get("max"))
    several = len(found.get("values") or ()) > 1
    return Spread(
        mean,
        _number(found.get("sd")) if several else None,
        mean if low is None else low,
        mean if high is None else high,
    )


def _difference(found: Mapping[str, Any]) -> Difference | None:
    numbers = [_number(found.get(name)) for name in ("difference", "low", "high")]
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return None
    return Difference(
        numbers[0], numbers[1], numbers[2], _number(found.get("p_value")), _whole(found.get("samples"))
    )


def _size(found: Mapping[str, Any]) -> Size:
    return Size(*(_spread(found.get(name)) for name in ("bytes", "gzip_bytes", "metric")))


def _latency(found: Mapping[str, Any]) -> Latency:
    return Latency(*(_number(found.get(name)) for name in ("p50_ms", "p90_ms", "engine_p50_ms")))


def _slice(found: Mapping[str, Any]) -> Slice:
    return Slice(
        str(found.get("group") or ""),
        str(found["name"]),
        _whole(found.get("samples")),
        _number(found.get("mean")),
        _number(found.get("sd")),
    )


def _confusion(found: Mapping[str, Any] | None) -> Confusion | None:
    if not found:
        return None
    counts = tuple(tuple(float(count) for count in line) for line in found["counts"])
    return Confusion(tuple(str(label) for label in found["labels"]), counts)


def _layer(found: Mapping[str, Any]) -> Layer:
    return Layer(str(found["layer"]), _number(found.get("error")), _whole(found.get("weights")))


__all__ = ["SCHEMA_VERSION", "study_view"]
