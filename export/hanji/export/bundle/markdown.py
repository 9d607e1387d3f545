"""Markdown building blocks of model cards and reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hanji.runtime.terminal import printable_line

_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&!$@]")
_LINK = re.compile(r"(?i)(\w|www)(:(?=//)|(?<=www)\.)")
"""Where GitHub makes links of bare addresses."""
FORMAT_NAMES = {"tflite": "TFLite", "onnx": "ONNX", "tfjs": "TF.js"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes and newlines in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def metric(value: float | None) -> str:
    """``value`` with four decimal places; an empty string for None."""
    return "" if value is None else f"{value:.4f}"


def plain(text: str) -> str:
    """``text`` from a file as one line that is shown as it is: no link, HTML, image or emphasis."""
    return _LINK.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", printable_line(text)))


def code(text: str) -> str:
    """``text`` as one line of code, whatever backticks it contains."""
    line = printable_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


__all__ = ["FORMAT_NAMES", "code", "metric", "plain", "table"]
