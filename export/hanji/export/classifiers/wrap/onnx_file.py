"""Reads an existing ``.onnx`` image classifier that hanji did not export.

Most such models take channels first (NCHW). As hanji uses channels last (NHWC) everywhere, a Transpose is
inserted before the input of such a model; nothing else is changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from hanji.export.classifiers.formats.names import IMAGE
from hanji.export.classifiers.wrap.model_file import ModelFile, expect_classifier
from hanji.export.formats.onnx import IR_VERSION, OLDEST_ONNXRUNTIME, OPSET
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import EngineRequirement, Tensor
from hanji.training.errors import ConversionError

_NOTE = " A Transpose was inserted before its input, as the original takes channels first (NCHW)."
_INTEGERS = ("int8", "uint8")


def read_onnx(path: Path) -> ModelFile:
    """The model in ``path``; ConversionError if it is damaged or not an image classifier."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(
            f"{path}: expected a TFLite file or a valid ONNX model, found neither: {reason}"
        ) from None
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    inputs = [_tensor(value, path) for value in given]
    outputs = [_tensor(value, path) for value in model.graph.output]
    note = ""
    if len(inputs) == 1 and _is_channels_first(inputs[0]):
        inputs = [_with_transpose(model, given[0], inputs[0])]
        note = _NOTE
    image_input, classes = expect_classifier(
        path, inputs, outputs, channels_first=" or [1, 1 or 3 channels, height, width]"
    )
    precision, parameters = _stored(model)
    return ModelFile(
        path=path,
        format="onnx",
        content=bytes(model.SerializeToString(deterministic=True)),
        input=image_input,
        output=classes,
        precision=precision,
        parameters=parameters,
        engines=(EngineRequirement("onnxruntime", _oldest(model)),),
        note=note,
    )


def _tensor(value: Any, path: Path) -> Tensor:
    kind = value.type.tensor_type
    try:
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    except KeyError:
        raise ConversionError(f"{path}: {value.name!r}: expected a numeric tensor") from None
    shape = tuple(int(size.dim_value) if size.HasField("dim_value") else None for size in kind.shape.dim)
    return Tensor(value.name, dtype, shape, scale=None, zero_point=None)


def _is_channels_first(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and tensor.shape[1] in (1, 3) and tensor.shape[3] not in (1, 3)


def _with_transpose(model: onnx.ModelProto, value: Any, tensor: Tensor) -> Tensor:
    """Make the model take channels last, in place; its input is named ``image`` if that name is free."""
    graph = model.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    name = IMAGE if IMAGE not in taken else f"{tensor.name}_channels_last"
    shape = [tensor.shape[index] for index in (0, 2, 3, 1)]
    old = value.name
    new = helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, shape)
    graph.input.remove(value)
    graph.input.insert(0, new)
    graph.node.insert(0, helper.make_node("Transpose", [name], [old], perm=[0, 3, 1, 2]))
    return Tensor(name, tensor.dtype, tuple(shape), scale=None, zero_point=None)


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


def _oldest(model: onnx.ModelProto) -> str:
    """The oldest ONNX Runtime version known to run the file, or else the installed one."""
    old = all(opset.version <= OPSET for opset in model.opset_import if not opset.domain)
    if old and model.ir_version <= IR_VERSION:
        return OLDEST_ONNXRUNTIME
    return installed_version("onnxruntime") or OLDEST_ONNXRUNTIME


__all__ = ["read_onnx"]
