"""The request where a model should run, and the handling of fallbacks."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from hanji.runtime.errors import EngineError, HanjiError, PlacementWarning
from hanji.runtime.records import Record

Policy = Literal["fail", "warn", "allow"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
CPU = "cpu"
"""Name of the default executor: the engine's own kernels, which include XNNPACK in LiteRT."""
CPU_PROVIDER = "CPUExecutionProvider"
"""The name of the CPU in ONNX Runtime."""


@dataclass(frozen=True, eq=False, repr=False)
class Request(Record):
    """Placement options of ``open``: see ``Recommender.open``."""

    delegate: str | None = None
    delegate_options: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    policy: Policy = "warn"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise HanjiError(f"policy: expected fail, warn or allow, found {self.policy!r}")
        if self.delegate is not None and self.providers:
            raise HanjiError(
                "expected a delegate, which is for litert and tflite-runtime, or providers, which are for "
                "onnxruntime, found both"
            )
        if self.delegate_options and self.delegate is None:
            raise HanjiError("delegate_options: expected a delegate that they apply to, found none")

    @property
    def asked(self) -> tuple[str, ...]:
        """The requested delegate or providers; () for the CPU only."""
        return self.providers if self.delegate is None else (self.delegate,)


class Fallbacks:
    """One line per fallback, handled according to the policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Raise EngineError under "fail"; otherwise record the line and, under "warn", issue a warning."""
        if self.policy == "fail":
            raise EngineError(
                f"{line}; not allowed by the policy 'fail'; try: 'warn' or 'allow', to use the CPU instead"
            )
        self.lines.append(line)
        if self.policy == "warn":
            _warn(line)


def count_of(operators: Mapping[str, int], name: str) -> int:
    """The number of ``operators`` (counts by executor) that the delegate or provider ``name`` runs."""
    return operators.get(CPU if name == CPU_PROVIDER else name, 0)


def shortfalls(asked: Sequence[str], operators: Mapping[str, int], left: Sequence[str]) -> Iterator[str]:
    """Deviations of ``operators`` (counts by executor) from the request; ``left`` are those on the CPU."""
    total = sum(operators.values())
    idle = [name for name in asked if not count_of(operators, name)]
    for name in idle:
        yield f"{name} runs none of the {total} operators"
    if left and CPU_PROVIDER not in asked and len(idle) < len(asked):
        names = ", ".join(dict.fromkeys(left))
        yield f"the CPU runs {len(left)} of the {total} operators: {names}"


def _warn(line: str) -> None:
    """Issue a PlacementWarning that points to the first caller outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("hanji.runtime"):
        level, frame = level + 1, frame.f_back
    warnings.warn(line, PlacementWarning, stacklevel=level)
