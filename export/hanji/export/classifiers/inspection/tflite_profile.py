"""Parameters and multiply-accumulates of a ``.tflite`` file, operator by operator."""

from __future__ import annotations

from math import prod
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.runtime.engines.choice import interpreter_class
from hanji.training.classifiers.profile_result import LayerProfile, Profile

_CONVOLUTIONS = ("CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D")
_UNKNOWN = (
    *("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN", "CUSTOM", "LSTM", "RNN", "SVDF"),
    *("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN"),
)
_INDICES = (schema.TensorType.INT32, schema.TensorType.INT64)
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}

_Shape = tuple[int, ...]


def tflite_profile(file: TfliteFile, shape: _Shape | None = None) -> Profile:
    """The profile of the graph for one input of ``shape``, without the batch axis; default: the declared one.

    ValueError if the model cannot be prepared for this input.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(file.content))
    graph = model.subgraphs[file.subgraph(model)]
    found, shapes = _prepared(file, graph, shape)
    owners = _weights_of(model, graph)
    rows = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        results = [int(index) for index in operator.outputs[:1]]
        names = [graph.tensors[index].name or b"" for index in results]
        rows.append(
            LayerProfile(
                b"".join(names).decode(errors="replace"),
                kind,
                shapes[results[0]][1:] if results else (),
                sum(owners.pop(index, 0) for index in map(int, operator.inputs)),
                None if kind in _UNKNOWN else _macs(kind, operator, shapes),
            )
        )
    return Profile(file.path.name, (found,), tuple(rows), None)


def _prepared(file: TfliteFile, graph: Any, shape: _Shape | None) -> tuple[_Shape, dict[int, _Shape]]:
    """The input's sizes without the batch, and the sizes of all tensors by index, prepared for one image."""
    interpreter = interpreter_class("litert")(model_content=file.content, num_threads=1)
    image = interpreter.get_input_details()[0]
    try:
        if shape is not None:
            interpreter.resize_tensor_input(image["index"], [1, *shape])
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"the model cannot be prepared for its input: {error}") from None
    found = {entry["index"]: tuple(map(int, entry["shape"])) for entry in interpreter.get_tensor_details()}
    declared = {index: tuple(map(int, tensor.shape)) for index, tensor in enumerate(graph.tensors)}
    return found[image["index"]][1:], declared | found


def _weights_of(model: Any, graph: Any) -> dict[int, int]:
    """The number of parameters in each constant, by its index; of shapes and axes none."""
    return {
        index: prod(map(int, tensor.shape))
        for index, tensor in enumerate(graph.tensors)
        if model.buffers[tensor.buffer].data is not None
        and (tensor.type not in _INDICES or _is_quantized(tensor))
    }


def _is_quantized(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.scale is not None


def _macs(kind: str, operator: Any, shapes: dict[int, _Shape]) -> int:
    """Each kernel is applied once per output position (transposed: per input position)."""
    result = shapes[operator.outputs[0]] if len(operator.outputs) else ()
    inputs = [shapes[index] if index >= 0 else () for index in map(int, operator.inputs)]
    if kind in _CONVOLUTIONS:
        return prod(result[1:-1]) * prod(inputs[1])
    if kind == "TRANSPOSE_CONV":
        return prod(inputs[2][1:-1]) * prod(inputs[1])
    if kind == "FULLY_CONNECTED":
        return prod(inputs[0]) // inputs[1][-1] * prod(inputs[1])
    if kind == "BATCH_MATMUL":
        options = operator.builtinOptions
        return prod(result) * inputs[0][-2 if options is not None and options.adjX else -1]
    return 0


__all__ = ["tflite_profile"]
