"""What Recommender and Classifier have in common: an engine that threads share and that is closed once."""

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
    """An open bundle, whatever it answers.

    Threads may share it: what it knows never changes after opening, each call has its own arrays, and the
    engine's lock lets one call in at a time. A call that is under way when another thread closes the session
    is answered; later ones raise HanjiError. A process made by fork cannot use its parent's session.
    """

    def __init__(self, bundle: Bundle, artifact: Artifact, engine: Engine) -> None:
        self._bundle = bundle
        self._artifact = artifact
        self._engine: Engine | None = engine
        self._info = engine.info
        self._forks = _forks

    @property
    def artifact(self) -> Artifact:
        """The artifact that answers."""
        return self._artifact

    @property
    def engine(self) -> EngineInfo:
        return self._info

    @property
    def placement(self) -> Placement:
        """Who computes the model as things are now, and what did not run where it was asked to."""
        return self._open_engine().placement

    def warm_up(self, runs: int = 1) -> None:
        """Make every signature of the model ready and run each ``runs`` times with inputs that mean nothing.

        The first answer is then as quick as the others. Done before, it costs no more than those runs.
        HanjiError if ``runs`` is below 1 or the session is closed, EngineError if the engine fails.
        """
        if operator.index(runs) < 1:
            raise HanjiError(f"warm_up: expected 1 run or more, found {runs}")
        for signature, inputs in self._harmless_questions():
            for _ in range(runs):
                self._open_engine().run(signature, inputs)

    def close(self) -> None:
        """Let go of the engine and the model; once more does nothing."""
        if self._forks == _forks:  # a fork keeps what it cannot use: the engine's own threads are not here
            self._engine = None

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_engine(self) -> Engine:
        engine = self._engine  # looked at once: another thread may close the session in between
        if engine is None:
            raise HanjiError(f"this {type(self).__name__} is closed; open the bundle again")
        if self._forks != _forks:
            raise HanjiError(
                f"this {type(self).__name__} was opened before this process was forked, and an engine does "
                "not survive a fork; open the bundle in the new process (gunicorn: in post_fork)"
            )
        return engine

    def _harmless_questions(self) -> Iterator[tuple[str, Inputs]]:
        """A signature and inputs for it, for each signature that answers."""
        raise NotImplementedError


_forks = 0
"""How many forks lie between this process and the first one that imported this module."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_count_fork)

__all__ = ["Session"]
