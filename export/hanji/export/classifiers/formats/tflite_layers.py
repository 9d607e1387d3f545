"""Maps the operators of a converted network to the Keras layers they came from, by tensor name.

The converter names a tensor after all the operations that it fused, such as
``model/stem_relu/Relu;model/stem/BiasAdd;model/stem/Conv2D``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hanji.export.classifiers.formats.signature import POSTPROCESSING, PREPROCESSING
from hanji.export.formats.tflite_graph import KIND_NAMES, TYPE_NAMES, opened
from hanji.training.errors import ConversionError

_WRAPPER_PREFIX = "quant_"  # TFMOT's prefix for the name of a wrapped layer


@dataclass(frozen=True)
class Operator:
    """One operator: its kind, the name of its output, and the layers it came from, the last layer first.

    ``inputs`` and ``outputs`` are the dtypes of its tensors, without omitted optional inputs.
    """

    kind: str
    name: str
    layers: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def in_network(self) -> bool:
        """Whether it belongs to the network, as opposed to pre- or postprocessing."""
        return bool(self.layers)


def operators(content: bytes, layers: Iterable[str]) -> list[Operator]:
    """The operators of a ``.tflite`` file in execution order; ``layers`` are the model's layer names."""
    known = set(layers)
    _, (graph, *_) = opened(content)
    return [_operator(graph, operator, known) for operator in graph.operators]


def names_outside_network(found: Sequence[Operator]) -> list[str]:
    """The names of the pre- and postprocessing operators, which stay in float32 under every scheme."""
    return [operator.name for operator in found if not operator.in_network]


def names_of_layers(found: Sequence[Operator], layers: Sequence[str]) -> list[str]:
    """The names of the operators of these layers; ConversionError for a layer without operators."""
    known = sorted({layer for operator in found for layer in operator.layers})
    for layer in layers:
        if layer not in known:
            raise ConversionError(
                f"float_layers: expected names of layers with operators, found {layer!r}; "
                f"the model has {', '.join(known)}"
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
    """The layers in a tensor's name, without duplicates, in order of appearance."""
    scopes = [re.split(r"[/:]", part) for part in name.split(";")]
    inside = [scope for scope in scopes if PREPROCESSING not in scope and POSTPROCESSING not in scope]
    # The first match is the layer; a later component of the same name is an operation inside it.
    found = (next((step for step in map(_unwrapped, scope) if step in known), None) for scope in inside)
    return tuple(dict.fromkeys(layer for layer in found if layer is not None))


def _unwrapped(step: str) -> str:
    return step.removeprefix(_WRAPPER_PREFIX)


__all__ = ["Operator", "names_of_layers", "names_outside_network", "operators"]
