"""Formatting of values for readers; values that were not measured become empty strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hanji.studies.page.view import Difference, Spread

LOWER_IS_BETTER = frozenset({"ece", "nll", "loss"})

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

TASKS = {"image-classification": "image classification", "recommendation": "recommendation"}
FORMATS = {"tflite": "TFLite", "onnx": "ONNX", "tfjs": "TF.js"}
ENGINES = {"litert": "LiteRT", "onnxruntime": "ONNX Runtime", "tflite-runtime": "tflite-runtime"}


def metric(value: float | None) -> str:
    """Four decimal places."""
    return "" if value is None else f"{value:.4f}"


def spread(value: Spread | None) -> str:
    """The mean and, for several seeds, the standard deviation."""
    if value is None:
        return ""
    return metric(value.mean) + ("" if value.sd is None else f" ± {value.sd:.4f}")


def signed(value: float | None) -> str:
    """Four decimal places and a sign (U+2212 for minus), without a sign if it rounds to zero."""
    if value is None:
        return ""
    text = f"{value:+.4f}".replace("-", "−")
    return text[1:] if float(f"{value:.4f}") == 0 else text


def count(value: float | None) -> str:
    """12,345."""
    return "" if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """8.3 KB; 1 KB is 1,000 bytes."""
    if value is None:
        return ""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if value >= factor:
            return f"{_trimmed(_three(value / factor))}\u00a0{unit}"
    return f"{value:.0f}\u00a0B"


def milliseconds(value: float | None) -> str:
    """At most three significant digits: 0.0123, 0.5, 12."""
    return "" if value is None else _trimmed(_three(value))


def timing(value: float | None) -> str:
    """Three significant digits, including zeros, for columns: 0.0123, 0.500, 12.0."""
    return "" if value is None else _three(value)


def moment(when: str) -> str:
    """An ISO 8601 time in readable form; other text is unchanged."""
    try:
        time = datetime.fromisoformat(when.replace("Z", "+00:00"))
    except ValueError:
        return when
    zone = f" {time.tzname()}" if time.tzinfo else ""
    return f"{time.day} {MONTHS[time.month - 1]} {time.year}, {time:%H:%M}{zone}"


def duration(seconds: float | None) -> str:
    """0.42 s, 12 s, 5 min 10 s, 2 h 5 min."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2g} s"
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60} min"


def times_smaller(full: float | None, compressed: float | None) -> str:
    """The compression ratio: 1.0, 4.2 or 210."""
    if not full or not compressed:
        return ""
    times = full / compressed
    return f"{times:.0f}" if times >= 20 else f"{times:.1f}"


def p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def is_significant(difference: Difference) -> bool:
    """Whether the 95 % confidence interval excludes zero."""
    return difference.low > 0 or difference.high < 0


def difference_text(difference: Difference | None, higher_is_better: bool) -> str:
    """ "no significant difference", "worse by 0.0120" or "better by 0.0031"."""
    if difference is None:
        return ""
    if not is_significant(difference):
        return "no significant difference"
    better = (difference.difference > 0) == higher_is_better
    return f"{'better' if better else 'worse'} by {abs(difference.difference):.4f}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """1 seed, 3 seeds."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def shortened(name: str, max_length: int) -> str:
    return name if len(name) <= max_length else name[: max_length - 1].rstrip(" ·") + "…"


def named(key: str) -> str:
    """A key of study.json as a heading: memory_bytes → memory bytes."""
    return key.replace("_", " ")


def plain(value: Any) -> str:
    """Any value of study.json as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, Mapping):
        items = ((named(str(key)), plain(item)) for key, item in value.items())
        return ", ".join(f"{key}: {item}" for key, item in items if item)
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _three(value: float) -> str:
    """0.0123, 8.34, 83.4, 834, 12,345."""
    if value >= 100:
        return f"{value:,.0f}"
    places = 1 if value >= 10 else 2 if value >= 1 else 3 if value >= 0.1 else 4
    return f"{value:.{places}f}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


__all__ = [
    "ENGINES",
    "FORMATS",
    "LOWER_IS_BETTER",
    "TASKS",
    "count",
    "difference_text",
    "duration",
    "is_significant",
    "listed",
    "metric",
    "milliseconds",
    "moment",
    "named",
    "p_value",
    "plain",
    "plural",
    "shortened",
    "signed",
    "size",
    "spread",
    "times_smaller",
    "timing",
]
