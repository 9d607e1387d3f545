"""Findings on ``.onnx`` and ``.tflite`` files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from hanji.compression.classifiers.files.input_layout import input_layout
from hanji.compression.classifiers.files.original import OriginalModel, shape_text
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.inspection.ends import head_text, preprocessing_texts
from hanji.export.classifiers.inspection.findings import Findings
from hanji.export.classifiers.inspection.graph import NEAR, Node, following, is_neutral, nodes_of
from hanji.export.classifiers.wrap.file_formats import engines_of
from hanji.export.formats.edge_tpu import incompatibilities
from hanji.runtime.manifest import Tensor
from hanji.training.errors import HanjiError

_SHOWN = 3  # obstacles of an Edge TPU


def model_file_findings(path: Path) -> Findings:
    """The findings on the file in ``path``; ConversionError for one that is damaged or its engine rejects."""
    model = read_model_file(path)
    nodes, ends = nodes_of(model)
    precision, parameters = model.stored()
    layout, first = _layout(model), following(nodes, ends[0])
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


def _preceding(nodes: Sequence[Node], tensor: Any) -> list[str]:
    """The kinds of the operators that compute ``tensor``, last first, without those that only move values."""
    makers = {output: node for node in nodes for output in node[2]}
    found: list[str] = []
    while tensor in makers and len(found) < NEAR:
        kind, inputs, _ = makers[tensor]
        if not is_neutral(kind):
            found.append(kind)
            if len(found) == 1 and kind.lower() not in ("mul", "add"):
                return found
        tensor = inputs[0]
    return found


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
