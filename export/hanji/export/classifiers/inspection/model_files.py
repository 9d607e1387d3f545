"""Findings on ``.onnx`` and ``.tflite`` files."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from ai_edge_litert.tools import flatbuffer_utils

from hanji.compression.classifiers.files.input_layout import input_layout
from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.original import OriginalModel, shape_text
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.inspection.ends import head_text, preprocessing_texts, scales
from hanji.export.classifiers.inspection.findings import Findings
from hanji.export.classifiers.wrap.file_formats import engines_of
from hanji.export.formats.edge_tpu import incompatibilities
from hanji.runtime.manifest import Tensor
from hanji.training.errors import HanjiError

_NEUTRAL = (
    *("cast", "identity", "transpose", "quantize", "dequantize", "quantizelinear", "dequantizelinear"),
    *("reshape", "flatten", "squeeze", "unsqueeze"),
)
_NEAR = 4  # operators at an end that are looked at
_SHOWN = 3  # obstacles of an Edge TPU

Node = tuple[str, tuple[Any, ...], tuple[Any, ...]]
"""The kind of an operator, and the names of its inputs and outputs."""


def model_file_findings(path: Path) -> Findings:
    """The findings on the file in ``path``; ConversionError for one that is damaged or its engine rejects."""
    model = read_model_file(path)
    nodes, ends = _onnx_nodes(model) if isinstance(model, OnnxFile) else _tflite_nodes(model)
    precision, parameters = model.stored()
    layout, first = _layout(model), _following(nodes, ends[0])
    image, result = model.inputs[0], model.outputs[0]
    return Findings(
        format=model.format,
        bytes=len(model.content),
        inputs=tuple(map(_tensor, model.inputs)),
        outputs=tuple(map(_tensor, model.outputs)),
        layout=layout,
        head=head_text(_preceding(nodes, ends[1]), _units(result)),
        preprocessing=preprocessing_texts(first, image, channels_first=layout.startswith("channels first")),
        operators=dict(Counter(kind for kind, _, _ in nodes)),
        compression=_what_works(model, precision),
        engines=tuple(
            f"{each.name} {each.oldest_version} or newer" for each in engines_of(model, model.content)
        ),
        obstacles=_obstacles(model),
        precision=precision,
        parameters=parameters,
        notes=model.notes,
    )


def _tensor(tensor: Tensor) -> str:
    scale = "" if tensor.scale is None else f", scale {tensor.scale:.5g}, zero point {tensor.zero_point}"
    return f"{tensor.name} {shape_text(tensor.shape)} {tensor.dtype}{scale}"


def _units(tensor: Tensor) -> int | None:
    return None if None in tensor.shape[1:] else prod(int(size or 1) for size in tensor.shape[1:])


def _layout(model: OriginalModel) -> str:
    try:
        layout = input_layout(model, WrapSettings())
    except HanjiError as error:
        return str(error).removeprefix(f"{model.path}: ")
    height, width, channels = layout.size
    order = layout.order.replace("-", " ")
    return f"{order}: {height} × {width} pixels, {channels} channel{'s' if channels > 1 else ''}"


def _onnx_nodes(model: OnnxFile) -> tuple[list[Node], tuple[Any, Any]]:
    graph = model.model.graph
    nodes = [
        (node.op_type, tuple(node.input), tuple(node.output))
        for node in graph.node
        if node.op_type != "Constant"
    ]
    return nodes, (model.inputs[0].name, graph.output[0].name)


def _tflite_nodes(model: OriginalModel) -> tuple[list[Node], tuple[Any, Any]]:
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model.content))
    graph = unpacked.subgraphs[0]
    nodes = [
        (
            str(flatbuffer_utils.opcode_to_name(unpacked, each.opcodeIndex) or "custom"),
            tuple(map(int, each.inputs)),
            tuple(map(int, each.outputs)),
        )
        for each in graph.operators
    ]
    return nodes, (int(graph.inputs[0]), int(graph.outputs[0]))


def _following(nodes: list[Node], tensor: Any) -> list[str]:
    """The kinds of the operators that only scale or move ``tensor``, up to the first other one."""
    found: list[str] = []
    while len(found) < _NEAR:
        readers = [node for node in nodes if tensor in node[1]]
        if len(readers) != 1 or not (scales(readers[0][0]) or _is_neutral(readers[0][0])):
            return found
        kind, _, outputs = readers[0]
        found.append(kind)
        tensor = outputs[0]
    return found


def _preceding(nodes: list[Node], tensor: Any) -> list[str]:
    """The kinds of the operators that compute ``tensor``, last first, without those that only move values."""
    makers = {output: node for node in nodes for output in node[2]}
    found: list[str] = []
    while tensor in makers and len(found) < _NEAR:
        kind, inputs, _ = makers[tensor]
        if not _is_neutral(kind):
            found.append(kind)
            if len(found) == 1 and kind.lower() not in ("mul", "add"):
                return found
        tensor = inputs[0]
    return found


def _is_neutral(kind: str) -> bool:
    """Whether an operator only moves or casts values."""
    return kind.lower().replace("_", "") in _NEUTRAL


def _what_works(model: OriginalModel, precision: str) -> tuple[str, ...]:
    bundle = f"hanji bundle {model.path} --labels FILE --preprocessing FILE --out BUNDLE"
    if precision != "float32":
        return (bundle, f"no further compression: its weights are {precision} already")
    compress = f"hanji compress {model.path} --recipe int8 --data IMAGES --preprocessing FILE --out DIR"
    return (
        bundle,
        f"{compress} (also int16x8, dynamic, int8-weights, float16)",
        "pruning, distillation and quantization-aware training: only with the Keras model it was made from",
    )


def _obstacles(model: OriginalModel) -> tuple[str, ...]:
    """What keeps the file off an Edge TPU."""
    if model.format != "tflite":
        return ()
    problems = incompatibilities(model.content)
    found = [f"Edge TPU: {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        found.append(f"Edge TPU: {len(problems) - _SHOWN} other problems")
    return tuple(found)


__all__ = ["model_file_findings"]
