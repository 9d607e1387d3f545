"""Base class of Recommender and Classifier: a thread-safe engine with a lifetime."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import EngineError, HanjiError

if TYPE_CHECKING:
    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, EngineInfo, Inputs
    from hanji.runtime.manifest import Artifact
    from hanji.runtime.placement import Placement

_S = TypeVar("_S", bound="Session")
_INPUTS = {
    "catalogue": ["user"],
    "pairs": ["item", "user"],
    "history": ["history"],
    "why": ["history", "item"],
}
"""Of each signature of a recommender."""
_ONE_THREAD = 10_000
"""Up to this size BLAS computes a dot product in the calling thread."""


class Session:
    """An open bundle of any task.

    Threads can share it: its state does not change after opening, each call has its own arrays, and the
    engine's lock serializes calls. A call in progress when another thread closes the session still completes;
    later calls raise HanjiError. A forked child process cannot use its parent's session.
    """

    def __init__(self, bundle: Bundle, artifact: Artifact, engine: Engine) -> None:
        self._bundle = bundle
        self._artifact = artifact
        self._engine: Engine | None = engine
        self._info = engine.info
        self._forks = _forks

    @property
    def artifact(self) -> Artifact:
        """The artifact in use."""
        return self._artifact

    @property
    def engine(self) -> EngineInfo:
        return self._info

    @property
    def placement(self) -> Placement:
        """The current placement of the operators, and fallbacks so far."""
        return self._open_engine().placement

    def warm_up(self, runs: int = 1) -> None:
        """Prepare every signature of the model, and run each ``runs`` times with dummy inputs.

        The first real call is then as fast as later ones. Repeated calls cost only the runs. HanjiError if
        ``runs`` is below 1 or the session is closed, EngineError if the engine fails.
        """
        if operator.index(runs) < 1:
            raise HanjiError(f"warm_up: expected 1 run or more, found {runs}")
        for signature, inputs in self._warm_up_inputs():
            for _ in range(runs):
                self._open_engine().run(signature, inputs)

    def close(self) -> None:
        """Release the engine and the model. Calling it again has no effect."""
        if self._forks == _forks:  # in a fork the engine's threads do not exist, so it must not be freed
            self._engine = None
            self._bundle.mapped.clear()

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_engine(self) -> Engine:
        engine = self._engine  # read once: another thread may close the session at any time
        if engine is None:
            raise HanjiError(f"this {type(self).__name__} is closed; open the bundle again")
        if self._forks != _forks:
            raise HanjiError(
                f"this {type(self).__name__} was opened before this process was forked, and an engine does "
                "not survive a fork; open the bundle in the new process (gunicorn: in post_fork)"
            )
        for file in tuple(self._bundle.mapped):
            file.check_size()
        return engine

    def _check_finite(self, values: NDArray[np.float32], name: str) -> None:
        """Raise EngineError for NaN or infinity in ``values`` (float32 [n])."""
        if not are_finite(values):
            raise EngineError(
                f"{self._info.name} {self._info.version}: {name} is not a finite number; replay the "
                "self-test with `hanji verify`, then export the bundle again"
            )

    def _warm_up_inputs(self) -> Iterator[tuple[str, Inputs]]:
        raise NotImplementedError


def are_finite(values: NDArray[np.float32]) -> bool:
    """Whether ``values`` (float32 [n]) are free of NaN and infinity, without np.isfinite's temporary array.

    The sum of squares is the fastest check: its terms cannot cancel out, and vdot does not warn on overflow.
    If it overflows, and for large arrays, the minimum and maximum decide.
    """
    if len(values) <= _ONE_THREAD and math.isfinite(np.vdot(values, values)):
        return True
    return math.isfinite(np.minimum.reduce(values)) and math.isfinite(np.maximum.reduce(values))


def check_options(function: str, options: Mapping[str, object], known: type) -> None:
    """Raise TypeError for an unknown keyword argument, like Python does for other functions."""
    unexpected = options.keys() - known.__annotations__.keys()
    if unexpected:
        raise TypeError(f"{function}() got an unexpected keyword argument {min(unexpected)!r}")


def check_signature(artifact: Artifact, name: str) -> None:
    """Raise EngineError unless the signature exists and, for a recommender, maps int32 indices to float32.

    The tensors of "classify" are checked when the manifest is read.
    """
    signature = artifact.signatures.get(name)
    if signature is None:
        raise EngineError(f"the {artifact.format} artifact has no signature {name!r}; export it again")
    if name == "classify":
        return
    expected = [f"int32 {tensor}" for tensor in _INPUTS[name]]
    found = sorted(f"{tensor.dtype} {tensor.name}" for tensor in signature.inputs)
    output = signature.outputs[0].dtype
    if found != expected or output != "float32":
        raise EngineError(
            f"signature {name!r} of the {artifact.format} artifact: expected inputs {', '.join(expected)} "
            f"and output float32, found inputs {', '.join(found)} and output {output}"
        )


_forks = 0
"""Number of forks between this process and the one that imported this module."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count_fork)
