"""A TensorFlow function as a graph of only what TF.js has to compute.

Whatever does not depend on an input is computed here and kept as a weight. A FakeQuant operation on a
weight becomes the grid on which the weight is stored; one on an activation becomes the rounding itself,
for TF.js passes values through FakeQuant unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from hanji.export.formats.fake_quant import Grid, grid_of_range
from hanji.export.formats.quiet import quiet

Shape = tuple[int | None, ...]
PASSING = ("Identity", "StopGradient", "ReadVariableOp")
"""Operations that only hand on their input."""

_FAKE_QUANT = "FakeQuantWithMinMaxVars"


@dataclass(frozen=True)
class Weight:
    """One constant of the graph, and the grid its values lie on where a FakeQuant put them there."""

    name: str
    values: npt.NDArray[Any]
    grid: Grid | None


@dataclass(frozen=True)
class FrozenGraph:
    """Nodes, each after its inputs; the values of the ``Const`` nodes are in ``weights``, in their order.

    ``inputs`` (int32) and ``outputs`` (float32) are the shapes of those nodes, by their names.
    """

    nodes: tuple[NodeDef, ...]
    weights: tuple[Weight, ...]
    producer: int
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]


def input_specs(inputs: Mapping[str, Shape]) -> list[Any]:
    """What ``tf.function`` is told of its inputs."""
    return [tf.TensorSpec(shape, tf.int32, name) for name, shape in inputs.items()]


class Walk:
    """One walk from the outputs back to the inputs, in which everything gets its place and name."""

    def __init__(self, function: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> None:
        """``function`` is a tf.function of ``inputs`` that gives a dict of ``outputs``."""
        with quiet():
            self.frozen = convert_variables_to_constants_v2(function.get_concrete_function())
        self.inputs, self.outputs = inputs, outputs
        self.definition = self.frozen.graph.as_graph_def()
        for node in self.definition.node:
            del node.input[_first_control(node) :]  # the order of side effects, of which there are none
        self.source = {node.name: node for node in self.definition.node}
        self._importable = tf.compat.v1.wrap_function(
            lambda: tf.import_graph_def(self.definition, name=""), []
        )
        self.constant: dict[str, bool] = {}
        self.names: dict[str, str] = {}
        self.nodes: list[NodeDef] = []
        self.weights: dict[tuple[str, tuple[int, ...], bytes, Grid | None], Weight] = {}

    def graph(self) -> FrozenGraph:
        """The graph of what the outputs need."""
        # TensorFlow flattens a dict in the order of its sorted names.
        for label, tensor in zip(sorted(self.outputs), self.frozen.outputs, strict=True):
            self._visit(self._resolved(tensor.name), label)
        producer = self.definition.versions.producer
        weights = tuple(self.weights.values())
        return FrozenGraph(tuple(self.nodes), weights, producer, self.inputs, self.outputs)

    def _visit(self, name: str, label: str | None = None) -> str:
        """Emit the node ``name`` after all that it needs; the name under which its result is found.

        A ``name`` may end in ``:1`` and so on, for a node's further results.
        """
        node, _, port = name.partition(":")
        if node not in self.names:
            self.names[node] = self._emitted(self.source[node], label)
        return f"{self.names[node]}:{port}" if port else self.names[node]

    def _emitted(self, node: NodeDef, label: str | None) -> str:
        if self._is_constant(node.name):
            return self._keep(self._value(node.name), self._grid(node))
        inputs = self._inputs(node)
        if node.op == "GatherV2" and self._is_constant(inputs[0]):
            return self._lookup(node, *inputs)
        if (grid := self._grid(node)) is not None:
            return self._rounded(self._visit(inputs[0]), grid)
        label = node.name if node.op == "Placeholder" else label
        return self._emit(node, [self._visit(source) for source in inputs], label)

    def _rounded(self, values: str, grid: Grid) -> str:
        """What FakeQuant does, in operations that TF.js computes."""
        low, high, scale = np.float32(grid.low), np.float32(grid.high), np.float32(grid.scale)
        inside = self._emit(NodeDef(op="ClipByValue"), [values, self._keep(low), self._keep(high)])
        scaled = self._emit(NodeDef(op="Mul"), [inside, self._keep(np.float32(1) / scale)])
        whole = self._emit(NodeDef(op="Round"), [scaled])
        return self._emit(NodeDef(op="Mul"), [whole, self._keep(scale)])

    def _lookup(self, node: NodeDef, table: str, rows: str, axis: str) -> str:
        """A look-up in a constant table: of all rows, the table; of one row many times, a product with ones.

        TF.js takes longer for a look-up (or tile) of thousands of rows than for all the rest.
        """
        values = self._value(table)
        if self._is_constant(rows) and np.array_equal(self._value(rows), np.arange(len(values))):
            return self._visit(table)
        repeated = self.source[rows].op == "Tile"
        row, count = self._inputs(self.source[rows]) if repeated else (rows, "")
        found = self._emit(node, [self._visit(table), self._visit(row), self._visit(axis)])
        if not repeated:
            return found
        shape = np.append(self._value(count), np.ones(values.ndim - 1)).astype(np.int32)
        ones = self._emit(NodeDef(op="Fill"), [self._keep(shape), self._keep(np.float32(1))])
        return self._emit(NodeDef(op="Mul"), [found, ones])

    def _emit(self, node: NodeDef, inputs: list[str], label: str | None = None) -> str:
        """Add a node like ``node``, under a name that does not depend on what was built before."""
        new = NodeDef(name=label or f"{node.op.lower()}_{len(self.nodes)}", op=node.op, input=inputs)
        for key, value in node.attr.items():
            if not key.startswith("_"):
                new.attr[key].CopyFrom(value)
        self.nodes.append(new)
        return str(new.name)

    def _keep(self, values: Any, grid: Grid | None = None) -> str:
        """The name of the weight with these values; a new one where there is none yet."""
        values = np.asarray(values)
        key = (values.dtype.str, values.shape, values.tobytes(), grid)
        if key not in self.weights:
            node = NodeDef(op="Const")
            node.attr["dtype"].type = tf.as_dtype(values.dtype).as_datatype_enum
            name = self._emit(node, [], f"weight_{len(self.weights)}")
            self.weights[key] = Weight(name, values, grid)
        return self.weights[key].name

    def _inputs(self, node: NodeDef) -> list[str]:
        return [self._resolved(source) for source in node.input]

    def _resolved(self, tensor: str) -> str:
        """The name of the node behind ``tensor``, past those that only hand on their input."""
        name, _, port = tensor.partition(":")
        node = self.source[name]
        if node.op in PASSING:
            return self._resolved(node.input[0])
        return name if port in ("", "0") else f"{name}:{port}"

    def _is_constant(self, name: str) -> bool:
        """Whether no input reaches the node. A look-up never is: it would store rows of its table again."""
        name = name.partition(":")[0]
        if name not in self.constant:
            node = self.source[name]
            varies = node.op in ("Placeholder", "GatherV2")
            self.constant[name] = not varies and all(map(self._is_constant, self._inputs(node)))
        return self.constant[name]

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


def _first_control(node: NodeDef) -> int:
    """Where the inputs begin that only say what comes first; they stand behind all others."""
    return next((place for place, name in enumerate(node.input) if name.startswith("^")), len(node.input))


__all__ = ["PASSING", "FrozenGraph", "Shape", "Walk", "Weight", "input_specs"]
