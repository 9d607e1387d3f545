"""Base class of the engines: the artifact, and the report of where its operators run."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hanji.runtime.engines.info import EngineInfo
from hanji.runtime.engines.request import Fallbacks, Request
from hanji.runtime.manifest import Artifact

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content
    from hanji.runtime.placement import Placement


class PlacedEngine:
    """An artifact whose operators run on an engine and, optionally, an accelerator."""

    def __init__(
        self, artifact: Artifact, contents: Mapping[str, Content], info: EngineInfo, request: Request
    ) -> None:
        self._artifact = artifact
        self._contents = contents
        self._info = info
        self._request = request
        self._fallbacks = Fallbacks(request.policy)
        self._operators: dict[str, int] = {}
        self._lock = threading.Lock()  # serializes calls, which also limits threads to the requested number

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def placement(self) -> Placement:
        from hanji.runtime.placement import placement_of

        return placement_of(self._info, self._request, self._operators, self._fallbacks.lines)

    @property
    def _name(self) -> str:
        return f"{self._info.name} {self._info.version}"


def one_line(error: Exception) -> str:
    """An engine's error message, which may have several lines, as one line."""
    return " ".join(str(error).split())


__all__ = ["PlacedEngine", "one_line"]
