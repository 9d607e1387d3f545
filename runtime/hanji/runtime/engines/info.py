"""Identification of an engine."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.runtime.records import Record


@dataclass(frozen=True, eq=False, repr=False)
class EngineInfo(Record):
    """The engine that runs a model: name, installed version, and the threads it may use."""

    name: str
    version: str
    threads: int
