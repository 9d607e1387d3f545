"""Freezes a TensorFlow function into a graph of only the operations that TF.js has to run.

Everything that does not depend on an input is folded into a weight. A FakeQuant operation on a weight becomes
the quantization grid that the weight is stored with; one on an activation is expanded into explicit rounding,
because TF.js passes values through FakeQuant unchanged.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from hanji.export.formats.fake_quant import Grid, grid_of_range
from hanji.export.formats.quiet import quiet
from hanji.export.formats.tfjs_order import topological
from hanji.export.formats.tfjs_rewrites import rewrite_of

Shape = tuple[int | None, ...]
PASS_THROUGH = ("Identity", "StopGradient", "ReadVariableOp")
"""Operations that return their input unchanged."""

Emission = Generator[str, str, str]
"""Emits a node: yields the nodes that it reads, receives their names in the new graph, returns its own
name."""

_FAKE_QUANT = "FakeQuantWithMinMaxVars"


@dataclass(frozen=True)
class Weight:
    """One constant of the graph, and its quantization grid if it was rounded by a FakeQuant operation."""

    name: str
    values: npt.NDArray[Any]
    grid: Grid | None


@dataclass(frozen=True)
class FrozenGraph:
    """Nodes in topological order; ``weights`` holds the values of the ``Const`` nodes, in the same order.

    ``inputs`` (int32) and ``outputs`` (float32) map the names of those nodes to their shapes.
    """

    nodes: tuple[NodeDef, ...]
    weights: tuple[Weight, ...]
    producer: int
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]


def input_specs(inputs: Mapping[str, Shape]) -> list[Any]:
    """The input signature for ``tf.function``."""
    return [tf.TensorSpec(shape, tf.int32, name) for name, shape in inputs.items()]


def dtype_in_tfjs(values: npt.NDArray[Any]) -> npt.DTypeLike:
    """The type of a weight when TF.js has loaded it."""
    return np.float32 if values.dtype == np.float16 else values.dtype


class Walk:
    """Walks from the outputs back to the inputs, emitting the nodes and weights of a FrozenGraph."""

    def __init__(self, function: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> None:
        """``function`` is a tf.function that takes ``inputs`` and returns a dict of ``outputs``.

        ConversionError if it contains a loop or a branch.
        """
        with quiet():
            self.frozen = convert_variables_to_constants_v2(function.get_concrete_function())
        self.inputs, self.outputs = inputs, outputs
        self.definition = self.frozen.graph.as_graph_def()
        for node in self.definition.node:
            del node.input[_first_control_input(node) :]  # they order side effects, and there are none
        self.source = {node.name: node for node in self.definition.node}
        self._importable = tf.compat.v1.wrap_function(
            lambda: tf.import_graph_def(self.definition, name=""), []
        )
        self.constant = self._constants()
        self.names: dict[str, str] = {}
        self.nodes: list[NodeDef] = []
        self.weights: dict[tuple[str, tuple[int, ...], bytes, Grid | None], Weight] = {}

    def graph(self) -> FrozenGraph:
        """The graph of everything the outputs depend on."""
        # TensorFlow flattens a dict in the order of its sorted keys.
        for label, tensor in zip(sorted(self.outputs), self.frozen.outputs, strict=True):
            self._visit(self._resolved(tensor.name), label)
        producer = self.definition.versions.producer
        weights = tuple(self.weights.values())
        return FrozenGraph(tuple(self.nodes), weights, producer, self.inputs, self.outputs)

    def _visit(self, name: str, label: str | None = None) -> str:
        """Emit the node ``name`` after everything it reads, and return its name in the new graph.

        A ``name`` may end in ``:1`` and so on, for the further outputs of a node. The emissions in progress
        are on a stack of its own, because networks are deeper than Python's stack.
        """
        pending: list[tuple[str, Emission]] = []
        asked = name
        while True:
            node, _, port = asked.partition(":")
            found: Any = None
            if node not in self.names:
                pending.append((asked, self._emitted(self.source[node], None if pending else label)))
            else:
                found = f"{self.names[node]}:{port}" if port else self.names[node]
                if not pending:
                    return str(found)
            try:
                asked = pending[-1][1].send(found)
            except StopIteration as done:
                asked, _ = pending.pop()
                self.names[asked.partition(":")[0]] = done.value

    def _emitted(self, node: NodeDef, label: str | None) -> Emission:
        if self._is_constant(node.name):
            return self._add_weight(self._value(node.name), self._grid(node))
        inputs = self._inputs(node)
        if node.op == "GatherV2" and self._is_constant(inputs[0]):
            return (yield from self._lookup(node, *inputs))
        if (grid := self._grid(node)) is not None:
            return self._fake_quantized((yield inputs[0]), grid)
        found = []
        for source in inputs:
            found.append((yield source))
        if (rewritten := rewrite_of(node)) is not None:
            return rewritten(self, node, found)
        return self._emit(node, found, node.name if node.op == "Placeholder" else label)

    def _fake_quantized(self, values: str, grid: Grid) -> str:
        """FakeQuant in terms of operations that TF.js implements."""
        low, high, scale = np.float32(grid.low), np.float32(grid.high), np.float32(grid.scale)
        clipped = self._emit(
            NodeDef(op="ClipByValue"), [values, self._add_weight(low), self._add_weight(high)]
        )
        scaled = self._emit(NodeDef(op="Mul"), [clipped, self._add_weight(np.float32(1) / scale)])
        rounded = self._emit(NodeDef(op="Round"), [scaled])
        return self._emit(NodeDef(op="Mul"), [rounded, self._add_weight(scale)])

    def _lookup(self, node: NodeDef, table: str, rows: str, axis: str) -> Emission:
        """A look-up in a constant table, simplified where possible.

        A look-up of all rows becomes the table itself; one of a single repeated row becomes a product with
        ones. In TF.js, a look-up (or tile) of thousands of rows takes longer than the rest of the model.
        """
        values = self._value(table)
        if self._is_constant(rows) and np.array_equal(self._value(rows), np.arange(len(values))):
            return (yield table)
        repeated = self.source[rows].op == "Tile"
        row, count = self._inputs(self.source[rows]) if repeated else (rows, "")
        found = self._emit(node, [(yield table), (yield row), (yield axis)])
        if not repeated:
            return found
        shape = np.append(self._value(count), np.ones(values.ndim - 1)).astype(np.int32)
        ones = self._emit(NodeDef(op="Fill"), [self._add_weight(shape), self._add_weight(np.float32(1))])
        return self._emit(NodeDef(op="Mul"), [found, ones])

    def operation(self, op: str, *inputs: str, **flags: bool) -> str:
        """Add an operation with these inputs and boolean attributes, and return its name."""
        node = NodeDef(op=op)
        for key, value in flags.items():
            node.attr[key].b = value
        return self._emit(node, list(inputs))

    def constant_of(self, values: Any) -> str:
        """The name of a weight with these values."""
        return self._add_weight(values)

    def rank_of(self, node: NodeDef) -> int:
        """The rank of the first output of a node."""
        return len(self.frozen.graph.get_tensor_by_name(f"{node.name}:0").shape)

    def _emit(self, node: NodeDef, inputs: list[str], label: str | None = None) -> str:
        """Add a copy of ``node`` with a deterministic name."""
        new = NodeDef(name=label or f"{node.op.lower()}_{len(self.nodes)}", op=node.op, input=inputs)
        for key, value in node.attr.items():
            if not key.startswith("_"):
                new.attr[key].CopyFrom(value)
        self.nodes.append(new)
        return str(new.name)

    def _add_weight(self, values: Any, grid: Grid | None = None) -> str:
        """The name of the weight with these values, added unless an equal one exists.

        Values in float16 are stored as such; TF.js computes with them in float32.
        """
        values = np.asarray(values)
        key = (values.dtype.str, values.shape, values.tobytes(), grid)
        if key not in self.weights:
            node = NodeDef(op="Const")
            node.attr["dtype"].type = tf.as_dtype(dtype_in_tfjs(values)).as_datatype_enum
            name = self._emit(node, [], f"weight_{len(self.weights)}")
            self.weights[key] = Weight(name, values, grid)
        return self.weights[key].name

    def _inputs(self, node: NodeDef) -> list[str]:
        return [self._resolved(source) for source in node.input]

    def _resolved(self, tensor: str) -> str:
        """The name of the node that computes ``tensor``, skipping pass-through operations."""
        name, _, port = tensor.partition(":")
        while self.source[name].op in PASS_THROUGH:
            name, _, port = self.source[name].input[0].partition(":")
        return name if port in ("", "0") else f"{name}:{port}"

    def _constants(self) -> dict[str, bool]:
        """By node, whether it depends on no input. A look-up never counts: folding it would duplicate
        rows."""
        constant: dict[str, bool] = {}
        for node in topological(self.definition.node):
            varies = node.op in ("Placeholder", "GatherV2")
            constant[node.name] = not varies and all(
                constant[source.partition(":")[0]] for source in node.input
            )
        return constant

    def _is_constant(self, name: str) -> bool:
        return self.constant[name.partition(":")[0]]

    def _value(self, name: str) -> npt.NDArray[Any]:
        """The value of a constant node."""
        name, _, port = name.partition(":")
        tensor = self._importable.graph.get_tensor_by_name(f"{name}:{port or 0}")
        return np.asarray(self._importable.prune([], [tensor])()[0].numpy())

    def _grid(self, node: NodeDef) -> Grid | None:
        """The grid of a FakeQuant node, None for any other node."""
        if node.op != _FAKE_QUANT:
            return None
        low, high = (float(self._value(name)) for name in self._inputs(node)[1:])
        return grid_of_range(low, high, bits=node.attr["num_bits"].i, narrow=node.attr["narrow_range"].b)


def _first_control_input(node: NodeDef) -> int:
    """The index of the first control input; control inputs come after all data inputs."""
    return next((index for index, name in enumerate(node.input) if name.startswith("^")), len(node.input))


__all__ = ["PASS_THROUGH", "FrozenGraph", "Shape", "Walk", "Weight", "dtype_in_tfjs", "input_specs"]
