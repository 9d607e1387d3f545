"""What was found out about a model file, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_SHOWN = 12  # kinds of operators


@dataclass(frozen=True)
class Findings:
    """Texts for people; each guess states its reason."""

    format: str
    bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layout: str
    head: str
    preprocessing: tuple[str, ...]
    operators: Mapping[str, int]
    """How often each kind of operator or layer occurs."""

    compression: tuple[str, ...]
    """What works on this file, as commands."""

    engines: tuple[str, ...] = ()
    """The engines that run the file, with their oldest versions."""

    obstacles: tuple[str, ...] = ()
    """What stands in the way of an engine or of a command."""

    precision: str = ""
    parameters: int | None = None
    notes: tuple[str, ...] = field(default=())

    def table(self) -> dict[str, Any]:
        """As a JSON-ready table."""
        return asdict(self)

    def lines(self) -> list[str]:
        """As text for a terminal."""
        size = f"{self.bytes:,} bytes"
        stored = f", {self.parameters:,} stored parameters" if self.parameters else ""
        lines = [
            f"format          {self.format}{', ' if self.precision else ''}{self.precision}, {size}{stored}"
        ]
        lines += _part("inputs", self.inputs) + _part("outputs", self.outputs)
        lines += _part("layout", [self.layout]) + _part("head", [self.head])
        lines += _part("preprocessing", self.preprocessing)
        lines += _part("operators", [self._operators()])
        lines += _part("engines", self.engines) + _part("obstacles", self.obstacles or ["none found"])
        return lines + _part("what works", self.compression) + _part("notes", self.notes)

    def _operators(self) -> str:
        most = sorted(self.operators.items(), key=lambda entry: (-entry[1], entry[0]))
        shown = ", ".join(f"{count} {kind}" for kind, count in most[:_SHOWN])
        return shown + (f" and {len(most) - _SHOWN} other kinds" if len(most) > _SHOWN else "")


def _part(title: str, texts: Sequence[str]) -> list[str]:
    return [f"{title if not index else '':<15} {text}" for index, text in enumerate(texts)]


__all__ = ["Findings"]
