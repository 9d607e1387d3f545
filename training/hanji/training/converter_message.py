"""The readable part of a message of TensorFlow Lite's converter."""

from __future__ import annotations

_LONGEST = 300


def converter_reason(error: Exception) -> str:
    """What the converter says about the operation that it rejects, without call sites and the graph."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = next((line for line in lines if "error:" in line), lines[0] if lines else type(error).__name__)
    return named.rpartition("): ")[2].removeprefix("error: ")[:_LONGEST]


__all__ = ["converter_reason"]
