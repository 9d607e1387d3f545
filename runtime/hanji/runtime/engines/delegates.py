"""TFLite external delegates: loads a delegate, and determines which operators it took.

The engines' own ``load_delegate`` prints a traceback if a library is missing, and passes the library a null
pointer if it fails to create a delegate. An Interpreter only needs the pointer of a delegate, so this module
creates it instead.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

_CREATE, _DESTROY = "tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate"
_REPORT_ERROR = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
_TAKEN = "DELEGATE"
"""Name of the node that replaces the operators taken by a delegate."""


class DelegateError(Exception):
    """The delegate cannot be created; the message states why and what to try."""


class Delegate:
    """A loaded delegate. It must outlive its interpreter, which keeps a reference to it."""

    def __init__(self, library: str, options: Mapping[str, str]) -> None:
        """Load ``library``, a path or a name for the dynamic loader, and create a delegate with ``options``.

        Raises DelegateError if there is no such library, if it is not a delegate, or, with the reported
        reason, if it fails to create one.
        """
        self._pointer: int | None = None
        loaded = _load(library)
        self._destroy = loaded[_DESTROY]
        self._destroy.argtypes, self._destroy.restype = [ctypes.c_void_p], None
        create = loaded[_CREATE]
        texts, count = ctypes.c_char_p * len(options), len(options)
        create.argtypes = [ctypes.POINTER(ctypes.c_char_p)] * 2 + [ctypes.c_size_t, _REPORT_ERROR]
        create.restype = ctypes.c_void_p
        messages: list[str] = []
        self._report = _REPORT_ERROR(lambda text: messages.append(text.decode(errors="replace").strip()))
        keys, values = (
            texts(*(text.encode() for text in part)) for part in (options, map(str, options.values()))
        )
        self._pointer = create(keys, values, count, self._report)
        if self._pointer is None:
            reason = "; ".join(messages) or "no reason given"
            raise DelegateError(
                f"{library} created no delegate: {reason}; try: check the device connection and the options"
            )

    def __del__(self) -> None:
        if self._pointer is not None:
            self._destroy(self._pointer)

    def _get_native_delegate_pointer(self) -> int | None:
        return self._pointer


def _load(library: str) -> ctypes.PyDLL:
    """Load the library as PyDLL, which holds the GIL during calls: it may report errors to Python."""
    try:
        loaded = ctypes.PyDLL(library)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise DelegateError(
            f"{library} cannot be loaded: {error}; try: install the accelerator's library, or give its path"
        ) from error
    missing = [name for name in (_CREATE, _DESTROY) if not hasattr(loaded, name)]
    if missing:
        raise DelegateError(f"{library} is not a TFLite delegate: it does not export {' or '.join(missing)}")
    return loaded


def operators_left(wrapper: Any) -> tuple[int, list[str]]:
    """In a file's first graph, the number of operators taken by delegates, and the names of all others.

    ``wrapper`` is the Interpreter's internal wrapper before tensors are allocated: afterwards, operators run
    by XNNPACK, which is part of the engine, would look delegated as well.
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
    """The operators that a delegate node replaced: those between its inputs and its outputs."""
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
