"""The interface of an inference engine, and its identification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.placement import Placement

Inputs = Mapping[str, NDArray[Any]]
"""Input tensors by name."""


@dataclass(frozen=True, eq=False, repr=False)
class EngineInfo(Record):
    """The engine that runs a model: name, installed version, and the threads it may use."""

    name: str
    version: str
    threads: int


class Engine(Protocol):
    """A loaded artifact. ``run`` can be called from any thread; calls are serialized."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def placement(self) -> Placement:
        """The current placement of the operators; any call may add a fallback."""
        ...

    def load(self, signature: str) -> None:
        """Prepare the signature; otherwise the first ``run`` does it.

        Raises EngineError if the engine rejects the model.
        """
        ...

    def run(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        """Run the signature and return its first output, in an array owned by the caller.

        Raises EngineError if the engine rejects the model or the inputs.
        """
        ...

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """Return the bare engine call with ``inputs`` already set, for benchmarks."""
        ...
