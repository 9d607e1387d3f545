"""Which operators of a converted network belong to which Keras layers, by the names of their tensors.

The converter names a tensor after all the operations that it put into one, such as
``model/stem_relu/Relu;model/stem/BiasAdd;model/stem/Conv2D``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hanji.export.classifiers.formats.signature import ANSWER, PREPARATION
from hanji.export.formats.tflite_graph import KIND_NAMES, TYPE_NAMES, opened
from hanji.training.errors import ConversionError

_WRAPPED = "quant_"  # what TFMOT puts before the name of a layer that it wraps


@dataclass(frozen=True)
class Operator:
    """One operator: what it does, the name of its output, and the layers it came from, the last first.

    ``inputs`` and ``outputs`` are the types of its tensors; an input that is left out has none.
    """

    kind: str
    name: str
    layers: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def around(self) -> bool:
        """Whether it is not of the network but of what lies around it: levels to input, logits to answer."""
        return not self.layers


def operators(content: bytes, layers: Iterable[str]) -> list[Operator]:
    """The operators of a ``.tflite`` file in their order; ``layers`` are the names of the model's layers."""
    known = set(layers)
    _, (graph, *_) = opened(content)
    return [_operator(graph, operator, known) for operator in graph.operators]


def names_around(found: Sequence[Operator]) -> list[str]:
    """The names of what is to stay in floats whatever the network is stored in."""
    return [operator.name for operator in found if operator.around]


def names_of_layers(found: Sequence[Operator], layers: Sequence[str]) -> list[str]:
    """The names of the operators of these layers; ConversionError for a layer that no operator came from."""
    known = sorted({layer for operator in found for layer in operator.layers})
    for layer in layers:
        if layer not in known:
            raise ConversionError(
                f"float_layers: expected names of layers that compute something, found {layer!r}; "
                f"there are {', '.join(known)}"
            )
    return [operator.name for operator in found if set(layers) & set(operator.layers)]


def _operator(graph: Any, operator: Any, known: set[str]) -> Operator:
    name = str(graph.tensors[operator.outputs[0]].name.decode())
    return Operator(
        kind=KIND_NAMES[graph.kind(operator)],
        name=name,
        layers=_layers(name, known),
        inputs=tuple(TYPE_NAMES[graph.tensors[index].type] for index in operator.inputs if index >= 0),
        outputs=tuple(TYPE_NAMES[graph.tensors[index].type] for index in operator.outputs),
    )


def _layers(name: str, known: set[str]) -> tuple[str, ...]:
    """The layers in a tensor's name, each once, in the order in which they stand there."""
    scopes = [re.split(r"[/:]", part) for part in name.split(";")]
    inside = [scope for scope in scopes if PREPARATION not in scope and ANSWER not in scope]
    # The first that is a layer: what is called the same behind it is an operation of that layer.
    found = (next((step for step in map(_unwrapped, scope) if step in known), None) for scope in inside)
    return tuple(dict.fromkeys(layer for layer in found if layer is not None))


def _unwrapped(step: str) -> str:
    return step.removeprefix(_WRAPPED)


__all__ = ["Operator", "names_around", "names_of_layers", "operators"]
