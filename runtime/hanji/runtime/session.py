"""Base class of Recommender and Classifier: a thread-safe engine with a lifetime."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, Inputs
    from hanji.runtime.engines.info import EngineInfo
    from hanji.runtime.manifest import Artifact
    from hanji.runtime.placement import Placement

_S = TypeVar("_S", bound="Session")


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
        return engine

    def _warm_up_inputs(self) -> Iterator[tuple[str, Inputs]]:
        """Dummy inputs for each signature."""
        raise NotImplementedError


_forks = 0
"""Number of forks between this process and the one that imported this module."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count_fork)

__all__ = ["Session"]
