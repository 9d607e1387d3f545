"""ONNX Runtime: runs the bundle's .onnx files, by default on the CPU. Telemetry is disabled."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hanji.runtime.engines.base import EngineInfo, Found, Inputs, PlacedEngine, one_line
from hanji.runtime.engines.onnx_file import check_onnx
from hanji.runtime.engines.request import CPU, CPU_PROVIDER, Request, shortfalls
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

onnxruntime.disable_telemetry_events()
_FATAL = 4
onnxruntime.set_default_logger_severity(_FATAL)

# The exceptions of onnxruntime have no common base class.
ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        value
        for value in vars(onnxruntime_pybind11_state).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ),
)
_REPORTS_ASSIGNMENT = hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info")
"""True from onnxruntime 1.24 on."""


class OnnxRuntimeEngine(PlacedEngine):
    """One session per signature, created on first use."""

    def __init__(
        self, artifact: Artifact, contents: Mapping[str, Content], info: EngineInfo, request: Request
    ) -> None:
        super().__init__(artifact, contents, info, request)
        self._providers = self._found_providers()
        self._sessions: dict[str, Any] = {}

    def _prepare(self, signature: str) -> None:
        self._session(signature)

    def _call(self, signature: str, inputs: Inputs) -> Any:
        output = self._artifact.signatures[signature].outputs[0].name
        session = self._session(signature)
        try:
            return session.run([output], inputs)[0]
        except ERRORS as error:
            return self._run_on_cpu(signature, inputs, error)

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """The run method of the onnxruntime session."""
        self.run(signature, inputs)
        session = self._sessions[signature]
        output = self._artifact.signatures[signature].outputs[0].name
        return lambda: session.run([output], inputs)

    def _found_providers(self) -> tuple[str, ...]:
        """The requested providers that this onnxruntime has; it would silently ignore the others."""
        available = onnxruntime.get_available_providers() if self._request.providers else []
        for name in self._request.providers:
            if name not in available:
                self._fallbacks.add(
                    f"{name} is not available in {self._name}, which has {', '.join(available)}"
                )
        return tuple(name for name in self._request.providers if name in available)

    def _session(self, signature: str) -> Any:
        if signature not in self._sessions:
            self._sessions[signature] = self._placed_session(signature)
        return self._sessions[signature]

    def _placed_session(self, signature: str) -> Any:
        if not self._has_accelerator():
            return self._cpu_session(signature)
        try:
            session = self._new_session(signature, self._providers)
        except ERRORS as error:
            session = self._cpu_session(signature)
            path, names = self._artifact.signatures[signature].path, ", ".join(self._providers)
            self._fallbacks.add(f"{names} failed to prepare {path}: {one_line(error)}; it runs on the CPU")
            return session
        for line in self._note_operators(signature, session):
            self._fallbacks.add(line)
        return session

    def _has_accelerator(self) -> bool:
        return any(name != CPU_PROVIDER for name in self._providers)

    def _cpu_session(self, signature: str) -> Any:
        try:
            session = self._new_session(signature, ())
        except ERRORS as error:
            raise self._rejection(signature, error) from error
        self._note_operators(signature, session)
        return session

    def _new_session(self, signature: str, providers: Sequence[str]) -> Any:
        """A session with ``providers``, and the CPU for operators that they do not take."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._info.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL  # its log prints names of the file; errors are raised as well
        options.add_session_config_entry("session.load_model_format", "ONNX")  # the one that is checked
        if _REPORTS_ASSIGNMENT:
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        wanted = [*(name for name in providers if name != CPU_PROVIDER), CPU_PROVIDER]
        path = self._artifact.signatures[signature].path
        content = self._contents[path]
        check_onnx(content if isinstance(content, bytes) else content.mapped(), path)
        # The built-in fallback only prints a message, so it is disabled for construction and for every run.
        make = partial(
            onnxruntime.InferenceSession, sess_options=options, providers=wanted, enable_fallback=0
        )
        session = make(content) if isinstance(content, bytes) else content.loaded(make)
        session.disable_fallback()
        found = session.get_providers()
        if set(found) - set(wanted):
            raise EngineError(f"{self._name}: expected the providers {wanted}, found {found}")
        self._check_tensors(signature, _found(session.get_inputs()), _found(session.get_outputs()))
        return session

    def _note_operators(self, signature: str, session: Any) -> list[str]:
        """Record the operator placement of the main signature; return deviations from the request."""
        if not _REPORTS_ASSIGNMENT:
            return [f"{self._name} does not report which provider runs which operator; 1.24 and later do"]
        operators: dict[str, int] = {}
        left: list[str] = []
        for part in session.get_provider_graph_assignment_info():
            device = CPU if part.ep_name == CPU_PROVIDER else part.ep_name
            kinds = [node.op_type for node in part.get_nodes()]
            operators[device] = operators.get(device, 0) + len(kinds)
            left += kinds if device == CPU else []
        if signature == self._artifact.main_signature:
            self._operators = operators
        return list(shortfalls(self._providers, operators, left))

    def _run_on_cpu(self, signature: str, inputs: Inputs, error: Exception) -> Any:
        """Rerun on the CPU after a provider failed, and keep everything on the CPU from then on.

        Raises EngineError if only the CPU was in use, if the policy is "fail", or if the CPU fails as well:
        then the provider is not the cause, and stays in use.
        """
        failed = f"signature {signature!r} failed: {one_line(error)}"
        place = f"{self._name}: {self._artifact.signatures[signature].path}"
        if not self._has_accelerator() or self._request.policy == "fail":
            raise EngineError(f"{place}: {failed}") from error
        operators = self._operators
        output = self._artifact.signatures[signature].outputs[0].name
        session = self._cpu_session(signature)
        try:
            outputs = session.run([output], inputs)[0]
        except ERRORS:
            self._operators = operators
            raise EngineError(f"{place}: {failed}") from error
        names, self._providers = ", ".join(self._providers), ()
        self._sessions = {signature: session}
        self._fallbacks.add(f"{names}: {failed}; everything now runs on the CPU")
        return outputs


_NUMPY_NAMES = {"float": "float32", "double": "float64"}
"""Of the dtypes that ONNX Runtime calls otherwise."""


def _found(nodes: Sequence[Any]) -> Found:
    """The tensors of a session; the type of a tensor is "tensor(DTYPE)", others keep theirs."""
    found = {}
    for node in nodes:
        dtype = node.type[len("tensor(") : -1] if node.type.startswith("tensor(") else node.type
        found[node.name] = _NUMPY_NAMES.get(dtype, dtype), tuple(node.shape)
    return found
