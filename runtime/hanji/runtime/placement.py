"""The placement report of an open model. ``placement.schema.json`` defines its JSON for all engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hanji.runtime.engines.request import count_of
from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.engines.base import EngineInfo
    from hanji.runtime.engines.request import Request


@dataclass(frozen=True, eq=False, repr=False)
class Placement(Record):
    """Where the operators of an open model run, and deviations from the request."""

    engine: str
    """"litert", "tflite-runtime" or "onnxruntime"."""
    version: str
    threads: int
    asked: tuple[str, ...]
    """The requested delegate or execution providers; () for none."""
    got: tuple[str, ...]
    """Those of them that run at least one operator."""
    operators: Mapping[str, int]
    """Operator counts of the main signature by executor; "cpu" stands for the engine's own kernels.

    A subgraph compiled for an accelerator counts as one operator, as in the file. Empty if the engine does
    not report it: onnxruntime before 1.24, and a TFLite file whose first graph belongs to another signature.
    """
    fallbacks: tuple[str, ...]
    """One line per fallback: what did not run where requested, and why; () if there were none."""

    def as_json(self) -> dict[str, object]:
        """The report as defined by ``placement.schema.json``."""
        return {
            "engine": self.engine,
            "version": self.version,
            "threads": self.threads,
            "asked": list(self.asked),
            "got": list(self.got),
            "operators": dict(self.operators),
            "fallbacks": list(self.fallbacks),
        }


def placement_of(
    info: EngineInfo, request: Request, operators: Mapping[str, int], fallbacks: list[str]
) -> Placement:
    """The current report of a session."""
    got = tuple(name for name in request.asked if count_of(operators, name))
    return Placement(
        info.name, info.version, info.threads, request.asked, got, dict(operators), tuple(fallbacks)
    )
