"""Why a framework failed, in one line of its message."""

from __future__ import annotations

import re

_FRAME = re.compile(
    r"^(in user code|Exception encountered when|Call arguments|Arguments received|File \"|•|\{\{)"
)
_FUNCTION = re.compile(r"^\{\{function_node \S+\}\} ")
_NAMED = ("is neither a custom op nor a flex op", "Exception encountered: ")
_LONGEST = 300
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def reason_of(error: Exception) -> str:
    """The line of the error's message that states the cause, without a position in a file.

    Keras puts the layer and its arguments around it, TensorFlow's converter call sites before and the graph
    after it.
    """
    lines = [line.strip() for line in _STYLE.sub("", str(error)).splitlines()]
    lines = [_FUNCTION.sub("", line) for line in lines]
    causes = [line for line in lines if line and not _FRAME.match(line)]
    named = [line for line in causes if any(phrase in line for phrase in _NAMED)]
    marked = [line for line in causes if "error: " in line]
    found = next(iter(named or marked or causes), type(error).__name__)
    return found.rsplit("error: ", 1)[-1].removeprefix("Exception encountered: ")[:_LONGEST]


__all__ = ["reason_of"]
