"""Frozen graphs: what the output of a TensorFlow function is computed from, with variables as constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from hanji.training.errors import RecipeError

Node = Any  # a NodeDef; TensorFlow has no types

_HALF = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}


@dataclass(frozen=True)
class FrozenGraph:
    """The nodes between the image and the output; ``image`` and ``output`` are names of tensors."""

    definition: Any
    image: str
    dtype: Any
    """The dtype of the image."""

    output: str

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.definition.node}

    @property
    def last(self) -> Node:
        """The operation that computes the output, before operations that only pass it on."""
        node = self.nodes[node_of(self.output)]
        while node.op in ("Identity", "PreventGradient", "StopGradient"):
            node = self.nodes[node_of(node.input[0])]
        return node

    @property
    def half_precision(self) -> bool:
        """Whether it computes in float16 or bfloat16."""
        functions = self.definition.library.function
        nodes = [*self.definition.node, *(node for function in functions for node in function.node_def)]
        return any(node.attr["T"].type in _HALF for node in nodes if "T" in node.attr)


def frozen(function: Any, where: str) -> FrozenGraph:
    """The graph of a concrete function of one image to one output.

    Loops stay whole. Side effects, such as the next state of a random generator that the output does not
    depend on, are left out. RecipeError, naming ``where`` the model comes from, if the output depends on
    something else than the image and variables, such as a lookup table.
    """
    # The steps of convert_variables_to_constants_v2 but the last, which builds a function of all nodes and
    # fails for assignments to what are constants now. Neither loops are lowered nor functions inlined
    # aggressively.
    variables = convert_to_constants._FunctionConverterDataInEager(function, False, False)
    definition, _ = convert_to_constants._replace_variables_by_constants(variables)
    image, (output,) = function.inputs[0], function.outputs
    needed = _needed(definition.node, [output.op.name, image.op.name])
    if any(node.op == "Placeholder" and node.name != image.op.name for node in needed):
        raise RecipeError(
            f"{where}: expected an output that depends on the image and on weights, found one that needs "
            "more, such as a lookup table; save the model without it"
        )
    del definition.node[:]
    definition.node.extend(needed)
    return FrozenGraph(definition, image.name, image.dtype, output.name)


def _needed(nodes: Iterable[Node], names: Sequence[str]) -> list[Node]:
    """The nodes that those with these names are computed from, without control dependencies."""
    by_name, waiting, needed = {node.name: node for node in nodes}, list(names), {}
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        node = needed[name] = by_name[name]
        data = [tensor for tensor in node.input if not tensor.startswith("^")]
        del node.input[:]
        node.input.extend(data)
        waiting += map(node_of, data)
    return [deepcopy(node) for node in needed.values()]


def node_of(tensor: str) -> str:
    """The name of the node of a tensor's name."""
    return tensor.split(":")[0]


__all__ = ["FrozenGraph", "Node", "frozen", "node_of"]
