"""ONNX Runtime on the CPU: runs the bundle's .onnx files. Its telemetry stays off."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from hanji.runtime.engines.base import EngineInfo, Inputs
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

onnxruntime.disable_telemetry_events()

_PROVIDERS = ["CPUExecutionProvider"]
# Its exceptions have no common base of their own.
_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        value
        for value in vars(onnxruntime_pybind11_state).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ),
)


class OnnxRuntimeEngine:
    """One session per signature, made when first needed."""

    def __init__(
        self, artifact: Artifact, contents: Mapping[str, bytes], *, version: str, threads: int
    ) -> None:
        self._info = EngineInfo("onnxruntime", version, threads)
        self._artifact = artifact
        self._contents = contents
        self._sessions: dict[str, Any] = {}
        self._lock = threading.Lock()  # one session per signature, and no more threads than were asked for

    @property
    def info(self) -> EngineInfo:
        return self._info

    def load(self, signature: str) -> None:
        with self._lock:
            self._session(signature)

    def run(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        output = self._artifact.signatures[signature].outputs[0].name
        with self._lock:
            session = self._session(signature)
            try:
                outputs: NDArray[Any] = session.run([output], inputs)[0]
            except _ERRORS as error:
                raise EngineError(f"{self._name}: signature {signature!r} failed: {error}") from error
        return outputs

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """The session's run."""
        self.run(signature, inputs)
        session = self._sessions[signature]
        output = self._artifact.signatures[signature].outputs[0].name
        return lambda: session.run([output], inputs)

    @property
    def _name(self) -> str:
        return f"onnxruntime {self._info.version}"

    def _session(self, signature: str) -> Any:
        if signature not in self._sessions:
            self._sessions[signature] = self._make_session(signature)
        return self._sessions[signature]

    def _make_session(self, signature: str) -> Any:
        path = self._artifact.signatures[signature].path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._info.threads
        options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(self._contents[path], options, providers=_PROVIDERS)
        except _ERRORS as error:
            raise EngineError(f"{self._name} refused {path} ({signature!r}): {error}") from error
        found = session.get_providers()
        if found != _PROVIDERS:
            raise EngineError(f"{self._name}: expected the providers {_PROVIDERS}, found {found}")
        return session
