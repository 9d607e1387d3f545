"""Edits of an ONNX graph: weight storage in fewer bits, and deterministic order and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from hanji.export.formats.weights import should_quantize, should_store_float16, symmetric_int8


def store_weights_as(graph: onnx.GraphProto, precision: str) -> None:
    """Store the float32 weights of ``graph`` as float16 or as int8 (``int8-weights``), in place.

    ``float16`` applies to all weights except scalars, a ``-rows`` precision only to large kernels. An
    embedding table is dequantized after the look-up, row by row, any other weight before its use. int8
    weights are dequantized by Cast and Mul: for DequantizeLinear, onnxruntime 1.28 fuses an integer MatMul
    that gives wrong results for a batch of dot products.
    """
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if should_store_float16(values, precision):
            _store(graph, tensor, values.astype(np.float16), scale=None)
        elif precision == "int8-weights" and should_quantize(values):
            numbers, scale = symmetric_int8(values)
            _store(graph, tensor, numbers, scale)


def _store(
    graph: onnx.GraphProto, tensor: onnx.TensorProto, stored: npt.NDArray[Any], scale: float | None
) -> None:
    """Replace a weight by ``stored``, and convert it back to float32 wherever it is used."""
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(stored, name))
    if scale is not None:
        graph.initializer.append(numpy_helper.from_array(np.float32(scale), f"{name}/scale"))
    users = [node for node in graph.node if name in node.input]
    for node in users:
        if node.op_type == "Gather" and node.input[0] == name:
            found, node.output[0] = node.output[0], f"{node.output[0]}/stored"
            graph.node.extend(_dequantize_nodes(node.output[0], found, name, scale))
        else:
            node.input[:] = [f"{name}/wide" if source == name else source for source in node.input]
    if any(f"{name}/wide" in node.input for node in users):
        graph.node.extend(_dequantize_nodes(name, f"{name}/wide", name, scale))


def _dequantize_nodes(source: str, target: str, weight: str, scale: float | None) -> list[onnx.NodeProto]:
    """The nodes that convert stored values to float32."""
    if scale is None:
        return [helper.make_node("Cast", [source], [target], to=onnx.TensorProto.FLOAT)]
    unscaled = f"{target}/unscaled"
    return [
        helper.make_node("Cast", [source], [unscaled], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [unscaled, f"{weight}/scale"], [target]),
    ]


def canonical(model: onnx.ModelProto, names: Mapping[str, str], *, free: str = "batch") -> onnx.ModelProto:
    """The same model in canonical form: fixed node order, deduplicated weights, deterministic names.

    ``names`` maps each graph input and output to its final name; ``free`` is the name of their dynamic
    dimension. Nodes and weights that no output depends on are dropped.
    """
    return _Canonicalizer(model, names, free).model()


class _Canonicalizer:
    """Walks from the outputs back to the inputs, assigning positions and names."""

    def __init__(self, model: onnx.ModelProto, names: Mapping[str, str], free: str) -> None:
        self.source = model
        self.free = free
        self.names = {"": "", **names}  # an omitted optional input has an empty name
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self.producers = {name: node for node in model.graph.node for name in node.output}
        self.nodes: list[onnx.NodeProto] = []
        self.kept: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}
        self.done: set[str] = set()

    def model(self) -> onnx.ModelProto:
        graph = self.source.graph
        for value in graph.output:
            self._visit(value.name)
        new = helper.make_graph(
            self.nodes,
            "hanji",
            [self._value(value) for value in graph.input],
            [self._value(value) for value in graph.output],
            list(self.kept.values()),
        )
        opsets = [opset for opset in self.source.opset_import if not opset.domain]
        return helper.make_model(new, opset_imports=opsets, producer_name="hanji")

    def _visit(self, name: str) -> None:
        """Emit the node of ``name`` after everything it reads; with a stack, as networks are deeper than
        Python's."""
        pending: list[tuple[Any, Iterator[str]]] = [(None, iter([name]))]
        while pending:
            node, sources = pending[-1]
            source = next(sources, None)
            if source is None:
                pending.pop()
                if node is not None:
                    self._emit(node)
                continue
            if source in self.weights and source not in self.names:
                self.names[source] = self._weight(self.weights[source])
            producer = self.producers.get(source)
            if producer is not None and source not in self.done:
                self.done.update(producer.output)
                pending.append((producer, iter(producer.input)))

    def _emit(self, node: Any) -> None:
        label = f"{node.op_type.lower()}_{len(self.nodes)}"
        for number, output in enumerate(node.output):
            self.names.setdefault(output, f"{label}_{number}" if number else label)
        new = helper.make_node(
            node.op_type,
            [self.names[source] for source in node.input],
            [self.names[output] for output in node.output],
            name=label,
            domain=node.domain,
        )
        new.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
        self.nodes.append(new)

    def _weight(self, tensor: onnx.TensorProto) -> str:
        values = numpy_helper.to_array(tensor)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self.kept:
            self.kept[key] = numpy_helper.from_array(values, f"weight_{len(self.kept)}")
        return str(self.kept[key].name)

    def _value(self, value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
        new = onnx.ValueInfoProto()
        new.CopyFrom(value)
        new.name = self.names[value.name]
        new.doc_string = ""
        for size in new.type.tensor_type.shape.dim:
            if not size.HasField("dim_value"):
                size.dim_param = self.free
        return new


__all__ = ["canonical", "store_weights_as"]
