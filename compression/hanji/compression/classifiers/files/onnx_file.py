"""An existing ``.onnx`` image classifier that hanji did not export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from hanji.compression.classifiers.files.onnx_loading import loaded, lower_ir_version, one_line
from hanji.compression.classifiers.files.onnx_tensors import declared_inputs, declared_outputs
from hanji.compression.classifiers.files.original import NUMBERS, Array
from hanji.runtime.engines.versions import installed_version
from hanji.training.errors import ConversionError

_INTEGERS = ("int8", "uint8")
_SILENT = 4  # of ONNX Runtime's log levels: fatal errors only


class OnnxFile:
    """The model in ``content``; ConversionError if it is damaged or ONNX Runtime rejects it."""

    format = "onnx"

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._model, notes = loaded(path, content)
        self._session, note = _session(self._model, path)
        self.notes = (*notes, *note)
        self.content = serialized(self._model) if self.notes else content
        self.inputs = declared_inputs(self._model.graph)
        self.outputs = declared_outputs(self._model.graph)

    def run(self, value: Array) -> Mapping[str, Array]:
        """As in ``OriginalModel``."""
        names = [tensor.name for tensor in self.outputs if tensor.dtype in NUMBERS]
        if not names:  # an empty list would mean all of them
            return {}
        try:
            found = self._session.run(names, {self.inputs[0].name: value})
        except _errors() as error:
            raise ConversionError(
                f"{self.path}: expected a model that takes {list(value.shape)} {value.dtype}, but ONNX "
                f"Runtime failed: {one_line(error)}"
            ) from None
        return dict(zip(names, found, strict=True))

    def stored(self) -> tuple[str, int]:
        """As in ``OriginalModel``."""
        return _stored(self._model)

    @property
    def model(self) -> onnx.ModelProto:
        """The model; not to be changed."""
        return self._model


def serialized(model: onnx.ModelProto) -> bytes:
    """The file of a model, the same bytes for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def _session(model: onnx.ModelProto, path: Path) -> tuple[Any, tuple[str, ...]]:
    """A session of ONNX Runtime, and a note if the IR version of ``model`` had to be lowered for it."""
    errors = _errors()  # first, because it disables telemetry
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = _SILENT, 1
    notes: tuple[str, ...] = ()
    for attempt in (1, 2):
        try:
            content = model.SerializeToString()
            return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"]), notes
        except errors as error:
            reason = one_line(error)
            if attempt == 2 or "IR version" not in reason:
                break
            notes = (lower_ir_version(model),)
    raise ConversionError(
        f"{path}: expected a model that ONNX Runtime loads, but it failed: {reason}; export it again, for an "
        f"opset and operators that ONNX Runtime {installed_version('onnxruntime')} supports"
    )


def _errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; importing it takes a while."""
    from hanji.runtime.engines.onnxruntime import ERRORS

    return ERRORS


def _stored(model: onnx.ModelProto) -> tuple[str, int]:
    """The precision of the file, and the number of stored parameters."""
    sizes: dict[str, int] = {}
    for tensor in model.graph.initializer:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type).name
        if dtype != "int64":
            sizes[dtype] = sizes.get(dtype, 0) + int(np.prod(tensor.dims))
    kinds = {node.op_type for node in model.graph.node}
    largest = max(sizes, key=lambda dtype: sizes[dtype], default="float32")
    if largest in _INTEGERS:
        rounds = any(kind.startswith(("QuantizeLinear", "QLinear")) for kind in kinds)
        return "int8" if rounds else "int8-weights", sum(sizes.values())
    return "float16" if largest == "float16" else "float32", max(1, sum(sizes.values()))


__all__ = ["OnnxFile", "serialized"]
