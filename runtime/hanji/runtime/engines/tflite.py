"""Runs the bundle's .tflite file with LiteRT (ai-edge-litert) or tflite-runtime, which share an API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.engines.base import EngineInfo, Found, Inputs, PlacedEngine, one_line
from hanji.runtime.engines.delegates import Delegate, DelegateError, operators_left
from hanji.runtime.engines.request import CPU, Request, shortfalls
from hanji.runtime.engines.tflite_file import EDGE_TPU, check_tflite
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact, Signature

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content

INTEGERS_ONLY = "int8-only"
"""The precision of a network for the Edge TPU, whose compiler may have replaced its operators."""


class TfliteEngine(PlacedEngine):
    """One interpreter per model file and one runner per signature, created on first use."""

    def __init__(
        self,
        interpreter_class: Callable[..., Any],
        artifact: Artifact,
        contents: Mapping[str, Content],
        info: EngineInfo,
        request: Request,
    ) -> None:
        super().__init__(artifact, contents, info, request)
        self._interpreter_class = interpreter_class
        self._interpreters: dict[str, Any] = {}
        self._delegated: set[str] = set()  # files with operators on the delegate
        self._runners: dict[str, Any] = {}
        self._ran: set[str] = set()  # signatures

    def _prepare(self, signature: str) -> None:
        self._runner(signature)

    def _call(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        runner = self._runner(signature)
        try:
            outputs: dict[str, NDArray[Any]] = runner(**inputs)
        except (RuntimeError, ValueError) as error:
            outputs = self._run_without_delegate(signature, inputs, error)
        self._release(signature)
        return outputs[self._artifact.signatures[signature].outputs[0].name]

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """Invoke only: the inputs are already set, and the outputs are not copied."""
        self.run(signature, inputs)
        # Interpreter.invoke fails while a runner exists, and a second interpreter would compete with this one
        # for the CPU caches, so this makes the call that the runner makes internally.
        runner = self._runners[signature]
        if isinstance(runner, WholeModel):
            return runner.invoke
        return partial(runner._interpreter_wrapper.Invoke, runner._subgraph_index)

    def _runner(self, signature: str) -> Any:
        if signature not in self._runners:
            path = self._artifact.signatures[signature].path
            content = self._contents[path]
            check_tflite(
                content if isinstance(content, bytes) else content.mapped(),
                path,
                edge_tpu=self._artifact.precision == INTEGERS_ONLY,
            )
            self._interpreters[path] = interpreter = self._placed_interpreter(path)
            # A file has all of its signatures, or is refused.
            for name, other in self._artifact.signatures.items():
                if other.path == path:
                    self._runners[name] = self._make_runner(interpreter, name)
        return self._runners[signature]

    def _make_runner(self, interpreter: Any, signature: str) -> Any:
        if signature in interpreter.get_signature_list():
            runner = interpreter.get_signature_runner(signature)
        else:
            runner = WholeModel(interpreter, self._artifact.signatures[signature])
        self._check_tensors(
            signature, _found(runner.get_input_details()), _found(runner.get_output_details())
        )
        return runner

    def _placed_interpreter(self, path: str) -> Any:
        library = self._request.delegate
        if library is None:
            return self._cpu_interpreter(path)
        interpreter, reason = self._delegated_interpreter(path, library)
        if interpreter is None:
            interpreter = self._cpu_interpreter(path, reason)
            self._fallbacks.add(f"{reason}; {path} runs on the CPU")
            return interpreter
        for line in self._note_operators(path, interpreter, "the delegate did not accept it"):
            self._fallbacks.add(line)
        self._delegated.add(path)
        return interpreter

    def _delegated_interpreter(self, path: str, library: str) -> tuple[Any, str]:
        try:
            delegate = Delegate(library, self._request.delegate_options)
        except DelegateError as error:
            return None, str(error)
        try:
            return self._new_interpreter(path, experimental_delegates=[delegate]), ""
        except (RuntimeError, ValueError) as error:
            return None, f"{library} failed to prepare {path}: {one_line(error)}"

    def _cpu_interpreter(self, path: str, reason: str = "") -> Any:
        try:
            interpreter = self._new_interpreter(path)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{self._name} rejected {path}: {one_line(error)}") from error
        self._note_operators(path, interpreter, reason)
        return interpreter

    def _new_interpreter(self, path: str, **options: Any) -> Any:
        content = self._contents[path]
        make = partial(self._interpreter_class, num_threads=self._info.threads, **options)
        if isinstance(content, bytes):
            return make(model_content=content)
        return content.loaded(lambda path: make(model_path=path))

    def _release(self, signature: str) -> None:
        """After the first run of a signature, release the pages of the file that preparing it has read.

        XNNPACK has its own copy of the weights then. The first run prepares; later ones read single rows.
        """
        content = self._contents[self._artifact.signatures[signature].path]
        if signature not in self._ran and not isinstance(content, bytes):
            content.release()
        self._ran.add(signature)

    def _note_operators(self, path: str, interpreter: Any, reason: str) -> list[str]:
        """Record the operator placement of the main signature; return deviations from the request.

        Raises EngineError for an Edge TPU operator that no delegate took; ``reason`` states why.
        """
        wrapper = interpreter._interpreter
        library = self._request.delegate
        taken, left = operators_left(wrapper)
        if EDGE_TPU in left:
            raise EngineError(
                f"{self._name}: {path} was compiled for the Edge TPU, and nothing else can run {EDGE_TPU}: "
                + (reason or "try: delegate='libedgetpu.so.1', or --delegate libedgetpu.so.1")
            )
        main = self._artifact.main_signature
        is_main = self._artifact.signatures[main].path == path
        if (
            is_main
            and main in interpreter.get_signature_list()
            and wrapper.GetSubgraphIndexFromSignature(main)
        ):
            return [f"{self._name} does not report which operators of {main!r} run on {library}"]
        counts = ((library or CPU, taken), (CPU, len(left)))
        operators = {device: count for device, count in counts if count}
        if is_main:
            self._operators = operators
        return list(shortfalls(self._request.asked, operators, left))

    def _run_without_delegate(
        self, signature: str, inputs: Inputs, error: Exception
    ) -> dict[str, NDArray[Any]]:
        """Rerun on the CPU after a delegate failed, and keep the file on the CPU from then on.

        Raises EngineError if no delegate was in use, if the policy is "fail", or if the CPU fails as well:
        then the delegate is not the cause, and stays in use.
        """
        path, why = self._artifact.signatures[signature].path, one_line(error)
        if path not in self._delegated:
            raise EngineError(f"{self._name}: {path}: signature {signature!r} failed: {why}") from error
        library = self._request.delegate
        failed = f"{library} failed while running {signature!r}: {why}"
        if self._request.policy == "fail":
            raise EngineError(f"{self._name}: {failed}") from error
        operators = self._operators
        interpreter = self._cpu_interpreter(path, failed)
        try:
            runner = self._make_runner(interpreter, signature)
            outputs: dict[str, NDArray[Any]] = runner(**inputs)
        except (RuntimeError, ValueError, EngineError) as cpu_error:
            self._operators = operators
            message = f"{self._name}: {path}: signature {signature!r} failed: {one_line(cpu_error)}"
            raise EngineError(message) from error
        self._delegated.discard(path)
        self._interpreters[path] = interpreter
        signatures = self._artifact.signatures
        others = {name: other for name, other in self._runners.items() if signatures[name].path != path}
        self._runners = {**others, signature: runner}
        self._fallbacks.add(f"{failed}; {path} now runs on the CPU")
        return outputs


class WholeModel:
    """Runs a file that lacks the requested signature, as other tools write them, by its tensor names."""

    def __init__(self, interpreter: Any, signature: Signature) -> None:
        """Raise ValueError if the file's tensors are not those of ``signature``."""
        self.invoke: Callable[[], object] = interpreter.invoke
        self._interpreter = interpreter
        self._inputs = {tensor["name"]: tensor for tensor in interpreter.get_input_details()}
        self._outputs = {tensor["name"]: tensor for tensor in interpreter.get_output_details()}
        required = [tensor.name for tensor in (*signature.inputs, *signature.outputs)]
        missing = [name for name in required if name not in self._inputs | self._outputs]
        if missing or len(self._inputs) != len(signature.inputs):
            found = f"inputs {', '.join(self._inputs)} and outputs {', '.join(self._outputs)}"
            raise ValueError(f"no such signature, and no tensors {', '.join(required)}: found {found}")
        interpreter.allocate_tensors()

    def get_input_details(self) -> dict[str, Any]:
        """As of a signature's runner."""
        return self._inputs

    def get_output_details(self) -> dict[str, Any]:
        """As of a signature's runner."""
        return self._outputs

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        for name, value in inputs.items():
            self._interpreter.set_tensor(self._inputs[name]["index"], value)
        self.invoke()
        return {name: self._interpreter.get_tensor(tensor["index"]) for name, tensor in self._outputs.items()}


def _found(details: Mapping[str, Any]) -> Found:
    return {
        name: (np.dtype(tensor["dtype"]).name, tuple(tensor["shape_signature"].tolist()))
        for name, tensor in details.items()
    }
