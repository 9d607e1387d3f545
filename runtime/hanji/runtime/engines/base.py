"""The interface of an inference engine, and the base class of engines: what they may raise and return."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.engines.request import Fallbacks, Request
from hanji.runtime.errors import EngineError, HanjiError
from hanji.runtime.manifest import Artifact
from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content
    from hanji.runtime.manifest import Tensor
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


Found = Mapping[str, tuple[str, tuple[object, ...]]]
"""Tensors of a file by name: dtype and shape, in which a size that is not fixed is no int or negative."""


class PlacedEngine(ABC):
    """An artifact whose operators run on an engine and, optionally, an accelerator.

    Whatever an engine raises becomes an EngineError that names the file: a file with right hashes may still
    be one that its engine cannot read, and engines then raise errors of many types.
    """

    def __init__(
        self, artifact: Artifact, contents: Mapping[str, Content], info: EngineInfo, request: Request
    ) -> None:
        self._artifact = artifact
        self._contents = contents
        self._info = info
        self._request = request
        self._fallbacks = Fallbacks(request.policy)
        self._operators: dict[str, int] = {}
        self._dtypes = {
            name: np.dtype(signature.outputs[0].dtype) for name, signature in artifact.signatures.items()
        }
        self._lock = threading.Lock()  # serializes calls, which also limits threads to the requested number

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def placement(self) -> Placement:
        from hanji.runtime.placement import placement_of

        return placement_of(self._info, self._request, self._operators, self._fallbacks.lines)

    def load(self, signature: str) -> None:
        """See ``Engine.load``."""
        try:
            with self._lock:
                self._prepare(signature)
        except HanjiError:
            raise
        except Exception as error:
            raise self._rejection(signature, error) from error

    def run(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        """See ``Engine.run``."""
        try:
            with self._lock:
                outputs = self._call(signature, inputs)
        except HanjiError:
            raise
        except Exception as error:
            raise self._rejection(signature, error) from error
        if not isinstance(outputs, np.ndarray) or outputs.dtype != self._dtypes[signature]:
            found = outputs.dtype if isinstance(outputs, np.ndarray) else type(outputs).__name__
            tensor = self._artifact.signatures[signature].outputs[0]
            raise self._mismatch(signature, f"output {tensor.name!r}: {tensor.dtype}", str(found))
        return outputs

    @abstractmethod
    def _prepare(self, signature: str) -> None:
        """Load the file of the signature, if it is not loaded."""

    @abstractmethod
    def _call(self, signature: str, inputs: Inputs) -> Any:
        """Run the signature and return its first output."""

    @property
    def _name(self) -> str:
        return f"{self._info.name} {self._info.version}"

    def _check_tensors(self, signature: str, inputs: Found, outputs: Found) -> None:
        """Raise EngineError unless a file has the tensors that the manifest states, and no other inputs."""
        described = self._artifact.signatures[signature]
        if set(inputs) != {tensor.name for tensor in described.inputs}:
            expected = ", ".join(tensor.name for tensor in described.inputs)
            raise self._mismatch(signature, f"inputs {expected}", ", ".join(inputs))
        for kind, tensors, found in (
            ("input", described.inputs, inputs),
            ("output", described.outputs, outputs),
        ):
            for tensor in tensors:
                if tensor.name not in found:
                    raise self._mismatch(signature, f"an {kind} {tensor.name!r}", ", ".join(found))
                dtype, shape = found[tensor.name]
                if dtype != tensor.dtype or not _fits(shape, tensor):
                    expected = f"{kind} {tensor.name!r}: {tensor.dtype} {list(tensor.shape)}"
                    raise self._mismatch(signature, expected, f"{dtype} {list(shape)}")

    def _rejection(self, signature: str, error: Exception) -> EngineError:
        path = self._artifact.signatures[signature].path
        return EngineError(f"{self._name} rejected {path} ({signature!r}): {one_line(error)}")

    def _mismatch(self, signature: str, expected: str, found: str) -> EngineError:
        path = self._artifact.signatures[signature].path
        return EngineError(
            f"{path} ({signature!r}), {self._name}: expected {expected} as in the manifest, found {found}; "
            "export the bundle again"
        )


def one_line(error: Exception) -> str:
    """An engine's error message, which may have several lines, as one line; its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _fits(shape: tuple[object, ...], tensor: Tensor) -> bool:
    """Whether a shape can be that of the tensor. Files may not state the sizes, or even their number: ()."""
    if shape and len(shape) != len(tensor.shape):
        return False
    fixed = [isinstance(size, int) and size >= 0 for size in shape]
    return all(
        found == size or size is None
        for found, size, is_fixed in zip(shape, tensor.shape, fixed, strict=False)
        if is_fixed
    )
