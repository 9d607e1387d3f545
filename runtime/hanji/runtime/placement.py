"""Where an open model runs, as a report. ``placement.schema.json`` defines its JSON, one for all engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hanji.runtime.engines.request import count_of
from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.engines.info import EngineInfo
    from hanji.runtime.engines.request import Request


@dataclass(frozen=True, eq=False, repr=False)
class Placement(Record):
    """Who computes an open model, and what is not as it was asked for."""

    engine: str
    """"litert", "tflite-runtime" or "onnxruntime"."""
    version: str
    threads: int
    asked: tuple[str, ...]
    """The delegate or the execution providers that were asked for; () for none."""
    got: tuple[str, ...]
    """Those of them that compute at least one operator."""
    operators: Mapping[str, int]
    """Operators of the signature that answers, by who computes them; "cpu" is the engine's own kernels.

    An accelerator's compiled part counts as the one operator that it is in the file. Empty where the engine
    does not tell: onnxruntime before 1.24, and a TFLite file whose first graph is another signature's.
    """
    fallbacks: tuple[str, ...]
    """One line each: what did not run where it was asked to, and why; () when all is as it was asked for."""

    def as_json(self) -> dict[str, object]:
        """What ``placement.schema.json`` defines."""
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
    """The report of a session as it is now."""
    got = tuple(name for name in request.asked if count_of(operators, name))
    return Placement(
        info.name, info.version, info.threads, request.asked, got, dict(operators), tuple(fallbacks)
    )


__all__ = ["Placement", "placement_of"]
