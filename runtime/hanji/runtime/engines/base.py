"""What the runtime asks of an inference engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from hanji.runtime.engines.info import EngineInfo
    from hanji.runtime.placement import Placement

Inputs = Mapping[str, NDArray[Any]]
"""Input tensors by name."""


class Engine(Protocol):
    """One artifact, loaded. ``run`` may be called from any thread; calls take turns."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def placement(self) -> Placement:
        """Who computes the model as it is now: a fallback may come with any call."""
        ...

    def load(self, signature: str) -> None:
        """Make the signature ready to run, which ``run`` does otherwise when it is first called.

        Raises EngineError if the engine refuses the model.
        """
        ...

    def run(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        """The signature's first output, in an array that belongs to the caller.

        Raises EngineError if the engine refuses the model or the inputs.
        """
        ...

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """The engine's own call with ``inputs`` and nothing around it, for benchmarks."""
        ...
