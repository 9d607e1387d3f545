"""Writes the operations at the ends of an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from hanji.compression.classifiers.files.original import is_quantized
from hanji.export.classifiers.wrap.steps import (
    CentreCrop,
    ChannelsFirst,
    Convert,
    Ends,
    Reshape,
    ReverseChannels,
    Sigmoid,
    Step,
    TwoClasses,
)
from hanji.runtime.manifest import Tensor


def rewritten_onnx(model: onnx.ModelProto, ends: Ends) -> tuple[onnx.ModelProto, Ends]:
    """A copy of ``model`` with the ends of ``ends``, and the ends with the names that were free."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    editor = _Editor(copy)
    image = replace(ends.image, name=editor.free(ends.image.name)) if ends.before else ends.image
    classes = replace(ends.classes, name=editor.free(ends.classes.name)) if ends.after else ends.classes
    first = editor.chain(image.name, ends.before, ends.source.name)
    last = editor.chain(ends.result.name, ends.after, classes.name)
    nodes = [*first, *copy.graph.node, *last]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    _replace_input(copy.graph, ends.source.name, _value(image))
    del copy.graph.output[:]
    copy.graph.output.append(_value(classes))
    return copy, replace(ends, image=image, classes=classes)


class _Editor:
    """Makes nodes and constants with names that the graph does not use."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._opset = next((opset.version for opset in model.opset_import if not opset.domain), 1)
        self._taken = {name for node in graph.node for name in (*node.input, *node.output)}
        self._taken |= {entry.name for entry in (*graph.input, *graph.output, *graph.initializer)}

    def free(self, name: str) -> str:
        """``name``, or a variant of it that is not used yet."""
        found, number = name, 1
        while found in self._taken:
            found, number = f"{name}_{number}", number + 1
        self._taken.add(found)
        return found

    def chain(self, start: str, steps: Sequence[Step], end: str) -> list[onnx.NodeProto]:
        """The nodes that compute ``end`` from ``start``."""
        nodes: list[onnx.NodeProto] = []
        for number, step in enumerate(steps, 1):
            target = end if number == len(steps) else self.free(f"{end}/{number}")
            nodes += self._nodes(step, start, target)
            start = target
        return nodes

    def _nodes(self, step: Step, start: str, target: str) -> list[onnx.NodeProto]:
        match step:
            case CentreCrop():
                return self._slice(step, start, target)
            case ReverseChannels():
                order, constant = self._constant(np.array([2, 1, 0], np.int64), "channels")
                return [constant, helper.make_node("Gather", [start, order], [target], axis=3)]
            case ChannelsFirst():
                return [helper.make_node("Transpose", [start], [target], perm=[0, 3, 1, 2])]
            case Reshape(shape):
                sizes, constant = self._constant(np.array(shape, np.int64), "shape")
                return [constant, helper.make_node("Reshape", [start, sizes], [target])]
            case Convert(given, to):
                return self._conversion(given, to, start, target)
            case TwoClasses(of_logit):
                return self._two_classes(start, target, of_logit=of_logit)
            case Sigmoid():
                return [helper.make_node("Sigmoid", [start], [target])]

    def _conversion(self, given: Tensor, to: Tensor, start: str, target: str) -> list[onnx.NodeProto]:
        quantized = to if is_quantized(to) else given
        if not is_quantized(quantized):
            return [helper.make_node("Cast", [start], [target], to=_onnx_dtype(to))]
        scale, scale_node = self._constant(np.array(quantized.scale, np.float32), "scale")
        zero, zero_node = self._constant(np.array(quantized.zero_point, quantized.dtype), "zero_point")
        kind = "QuantizeLinear" if quantized is to else "DequantizeLinear"
        return [scale_node, zero_node, helper.make_node(kind, [start, scale, zero], [target])]

    def _slice(self, step: CentreCrop, start: str, target: str) -> list[onnx.NodeProto]:
        first, axes = [step.top, step.left], [1, 2]
        end = [step.top + step.height, step.left + step.width]
        if self._opset < 10:  # they were attributes then
            return [helper.make_node("Slice", [start], [target], starts=first, ends=end, axes=axes)]
        named = {"starts": first, "ends": end, "axes": axes}
        found = [self._constant(np.array(values, np.int64), name) for name, values in named.items()]
        names, nodes = [name for name, _ in found], [node for _, node in found]
        return [*nodes, helper.make_node("Slice", [start, *names], [target])]

    def _two_classes(self, start: str, target: str, *, of_logit: bool) -> list[onnx.NodeProto]:
        value = np.array([[0.0 if of_logit else 1.0]], np.float32)
        name, constant = self._constant(value, "first_class")
        if of_logit:
            return [constant, helper.make_node("Concat", [name, start], [target], axis=1)]
        rest = self.free(f"{target}/rest")
        return [
            constant,
            helper.make_node("Sub", [name, start], [rest]),
            helper.make_node("Concat", [rest, start], [target], axis=1),
        ]

    def _constant(self, values: npt.NDArray[Any], name: str) -> tuple[str, onnx.NodeProto]:
        """A name and its node; before IR version 4, an initializer would have to be an input as well."""
        found = self.free(f"hanji/{name}")
        return found, helper.make_node("Constant", [], [found], value=numpy_helper.from_array(values))


def _replace_input(graph: onnx.GraphProto, old: str, new: onnx.ValueInfoProto) -> None:
    values = [new if value.name == old else value for value in graph.input]
    del graph.input[:]
    graph.input.extend(values)


def _value(tensor: Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, _onnx_dtype(tensor), tensor.shape)


def _onnx_dtype(tensor: Tensor) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)))


__all__ = ["rewritten_onnx"]
