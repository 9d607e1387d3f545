"""Markdown building blocks of model cards and reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

FORMAT_NAMES = {"tflite": "TFLite", "onnx": "ONNX", "tfjs": "TF.js"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes and newlines in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def metric(value: float | None) -> str:
    """``value`` with four decimal places; an empty string for None."""
    return "" if value is None else f"{value:.4f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


__all__ = ["FORMAT_NAMES", "metric", "table"]
