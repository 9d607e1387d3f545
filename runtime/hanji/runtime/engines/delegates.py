"""TFLite external delegates: loads one, and finds out which operators it took.

The engines have a ``load_delegate`` of their own, which prints a traceback when a library is missing and
hands the library a null pointer when it refuses. All that an Interpreter asks of a delegate is its pointer,
so it is made here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

_CREATE, _DESTROY = "tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate"
_REPORT_ERROR = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
_TAKEN = "DELEGATE"
"""What the interpreter calls the node that stands for all operators a delegate took together."""


class DelegateError(Exception):
    """A delegate that cannot be had; its text says why and what to try."""


class Delegate:
    """A loaded delegate. It must outlive the interpreter that it is given to, which sees to that itself."""

    def __init__(self, library: str, options: Mapping[str, str]) -> None:
        """``library`` is a path or a name that the system's loader finds.

        Raises DelegateError if there is no such library, if it is no delegate, and, with its reason, if it
        refuses.
        """
        self._pointer: int | None = None
        loaded = _load(library)
        self._destroy = loaded[_DESTROY]
        self._destroy.argtypes, self._destroy.restype = [ctypes.c_void_p], None
        create = loaded[_CREATE]
        texts, count = ctypes.c_char_p * len(options), len(options)
        create.argtypes = [ctypes.POINTER(ctypes.c_char_p)] * 2 + [ctypes.c_size_t, _REPORT_ERROR]
        create.restype = ctypes.c_void_p
        said: list[str] = []
        self._report = _REPORT_ERROR(lambda text: said.append(text.decode(errors="replace").strip()))
        keys, values = (
            texts(*(text.encode() for text in part)) for part in (options, map(str, options.values()))
        )
        self._pointer = create(keys, values, count, self._report)
        if self._pointer is None:
            reason = "; ".join(said) or "it does not say why"
            raise DelegateError(
                f"{library} refused: {reason}; try: check that the device is attached, and the options"
            )

    def __del__(self) -> None:
        if self._pointer is not None:
            self._destroy(self._pointer)

    def _get_native_delegate_pointer(self) -> int | None:
        """What an Interpreter calls to be given the delegate."""
        return self._pointer


def _load(library: str) -> ctypes.PyDLL:
    """The library, to be called with Python's lock held, for it may report errors to Python."""
    try:
        loaded = ctypes.PyDLL(library)
    except OSError as error:
        raise DelegateError(
            f"{library} cannot be loaded: {error}; try: install the accelerator's library, or give its path"
        ) from error
    missing = [name for name in (_CREATE, _DESTROY) if not hasattr(loaded, name)]
    if missing:
        raise DelegateError(f"{library} is no TFLite delegate: it has no {' and no '.join(missing)}")
    return loaded


def operators_left(wrapper: Any) -> tuple[int, list[str]]:
    """Of a file's first graph, how many operators delegates took, and the names of all others.

    ``wrapper`` is an Interpreter's own, before its tensors are allocated: later, XNNPACK's share of the
    engine's own operators looks like a delegate's.
    """
    names = [wrapper.NodeName(node) for node in range(wrapper.NumNodes())]
    taken: set[int] = set()
    if _TAKEN in names:
        producers = {
            tensor: node
            for node, name in enumerate(names)
            if name != _TAKEN
            for tensor in wrapper.NodeOutputs(node)
        }
        for node, name in enumerate(names):
            if name == _TAKEN:
                taken |= _between(wrapper, node, producers)
    left = [name for node, name in enumerate(names) if name != _TAKEN and node not in taken]
    return len(taken), left


def _between(wrapper: Any, delegate_node: int, producers: Mapping[int, int]) -> set[int]:
    """The operators that a delegate's node replaced: those that lead from its inputs to its outputs."""
    inputs = set(wrapper.NodeInputs(delegate_node))
    found: set[int] = set()
    tensors = list(wrapper.NodeOutputs(delegate_node))
    while tensors:
        tensor = tensors.pop()
        node = producers.get(tensor)
        if node is None or node in found or tensor in inputs:
            continue
        found.add(node)
        tensors.extend(wrapper.NodeInputs(node))
    return found


__all__ = ["Delegate", "DelegateError", "operators_left"]
