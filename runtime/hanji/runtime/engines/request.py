"""Where a model is asked to run, and what becomes of what does not run there."""

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
"""Who computes what nobody else does: the engine's own kernels, those of XNNPACK in LiteRT among them."""
CPU_PROVIDER = "CPUExecutionProvider"
"""The same, as ONNX Runtime calls it."""


@dataclass(frozen=True, eq=False, repr=False)
class Request(Record):
    """What the caller of ``open`` asked for: see ``Recommender.open``."""

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
            raise HanjiError("delegate_options: expected a delegate to give them to, found none")

    @property
    def asked(self) -> tuple[str, ...]:
        """The delegate, or the providers; () if nothing but the CPU was asked for."""
        return self.providers if self.delegate is None else (self.delegate,)


class Fallbacks:
    """What did not run where it was asked to, a line each, and what the policy makes of such a line."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Under "fail" raises EngineError; else keeps it for the report and, under "warn", says it."""
        if self.policy == "fail":
            raise EngineError(
                f"{line}; the policy 'fail' refuses that; try: 'warn' or 'allow', and the CPU computes it"
            )
        self.lines.append(line)
        if self.policy == "warn":
            _warn(line)


def count_of(operators: Mapping[str, int], name: str) -> int:
    """How many of ``operators`` (by who computes them) the delegate or provider ``name`` computes."""
    return operators.get(CPU if name == CPU_PROVIDER else name, 0)


def shortfalls(asked: Sequence[str], operators: Mapping[str, int], left: Sequence[str]) -> Iterator[str]:
    """What ``operators`` (by who computes them) says of those who were asked; ``left`` names the CPU's."""
    total = sum(operators.values())
    idle = [name for name in asked if not count_of(operators, name)]
    for name in idle:
        yield f"{name} computes none of the {total} operators"
    if left and CPU_PROVIDER not in asked and len(idle) < len(asked):
        names = ", ".join(dict.fromkeys(left))
        yield f"the CPU computes {len(left)} of the {total} operators: {names}"


def _warn(line: str) -> None:
    """A PlacementWarning that points to the caller's own line, however deep in this package it is found."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("hanji.runtime"):
        level, frame = level + 1, frame.f_back
    warnings.warn(line, PlacementWarning, stacklevel=level)
