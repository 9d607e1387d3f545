"""LiteRT (ai-edge-litert): runs the bundle's .tflite file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from hanji.runtime.engines.base import EngineInfo, Inputs
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact, Signature


class LiteRtEngine:
    """One interpreter per model file and one runner per signature, made when first needed."""

    def __init__(
        self, artifact: Artifact, contents: Mapping[str, bytes], *, version: str, threads: int
    ) -> None:
        self._info = EngineInfo("litert", version, threads)
        self._artifact = artifact
        self._contents = contents
        self._interpreters: dict[str, Any] = {}
        self._runners: dict[str, Any] = {}
        self._lock = threading.Lock()  # an interpreter's tensors belong to one call at a time

    @property
    def info(self) -> EngineInfo:
        return self._info

    def load(self, signature: str) -> None:
        with self._lock:
            self._runner(signature)

    def run(self, signature: str, inputs: Inputs) -> NDArray[Any]:
        with self._lock:
            runner = self._runner(signature)
            try:
                outputs: dict[str, NDArray[Any]] = runner(**inputs)
            except (RuntimeError, ValueError) as error:
                raise EngineError(f"{self._name}: signature {signature!r} failed: {error}") from error
        name = self._artifact.signatures[signature].outputs[0].name
        if name not in outputs:
            raise EngineError(f"{self._name}: expected an output {name!r}, found {', '.join(outputs)}")
        return outputs[name]

    def bare_call(self, signature: str, inputs: Inputs) -> Callable[[], object]:
        """Invoke and nothing else: the inputs are set, the outputs stay where they are."""
        self.run(signature, inputs)
        # Interpreter.invoke refuses while a runner lives, and a second interpreter would compete with
        # this one for the processor's caches: so this goes where the runner itself goes.
        runner = self._runners[signature]
        if isinstance(runner, WholeModel):
            return runner.invoke
        return partial(runner._interpreter_wrapper.Invoke, runner._subgraph_index)

    @property
    def _name(self) -> str:
        return f"litert {self._info.version}"

    def _runner(self, signature: str) -> Any:
        if signature not in self._runners:
            self._runners[signature] = self._make_runner(signature)
        return self._runners[signature]

    def _make_runner(self, signature: str) -> Any:
        described = self._artifact.signatures[signature]
        path = described.path
        try:
            if path not in self._interpreters:
                self._interpreters[path] = Interpreter(
                    model_content=self._contents[path], num_threads=self._info.threads
                )
            interpreter = self._interpreters[path]
            if signature in interpreter.get_signature_list():
                return interpreter.get_signature_runner(signature)
            return WholeModel(interpreter, described)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{self._name} refused {path} ({signature!r}): {error}") from error


class WholeModel:
    """Runs a file without the signature asked for, as others make them, by the names of its tensors."""

    def __init__(self, interpreter: Any, signature: Signature) -> None:
        """ValueError if the file's tensors are not those of ``signature``."""
        self.invoke: Callable[[], object] = interpreter.invoke
        self._interpreter = interpreter
        self._inputs = _indices(interpreter.get_input_details())
        self._outputs = _indices(interpreter.get_output_details())
        wanted = [tensor.name for tensor in (*signature.inputs, *signature.outputs)]
        missing = [name for name in wanted if name not in self._inputs | self._outputs]
        if missing or len(self._inputs) != len(signature.inputs):
            found = f"{', '.join(self._inputs)} in and {', '.join(self._outputs)} out"
            raise ValueError(f"no such signature, and no tensors {', '.join(wanted)}: found {found}")
        interpreter.allocate_tensors()

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        for name, value in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], value)
        self.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


def _indices(details: list[dict[str, Any]]) -> dict[str, int]:
    return {tensor["name"]: tensor["index"] for tensor in details}
