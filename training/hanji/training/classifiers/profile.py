"""Parameters and multiply-accumulates of a network, layer by layer.

A multiply-accumulate (MAC) is one multiplication and the addition of its product; biases, normalizations,
activations and poolings are not counted, as in the papers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf
import tf_keras as keras

from hanji.training.classifiers.models.mirror import MeanOfBoth, WithMirror
from hanji.training.classifiers.models.rebuilding import calls, expect_graph, flattened

L = keras.layers
Layer = Any  # a Keras layer; Keras has no types

_COUNTED = (
    *(L.Conv1D, L.Conv2D, L.Conv3D, L.DepthwiseConv1D, L.DepthwiseConv2D),
    *(L.SeparableConv1D, L.SeparableConv2D, L.Dense),
)
_TRANSPOSED = (L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose)
_WITHOUT_PRODUCTS = (
    *(L.BatchNormalization, L.LayerNormalization, L.GroupNormalization, L.UnitNormalization, L.Normalization),
    *(L.PReLU, L.Embedding),
)


@dataclass(frozen=True)
class LayerProfile:
    """One layer; its multiply-accumulates are for one image."""

    layer: str
    kind: str
    output_shape: tuple[int | None, ...]
    """Without the batch axis; that of the first call, if the layer is called several times."""

    parameters: int
    macs: int | None
    """None if they are unknown for this type of layer."""


@dataclass(frozen=True)
class Profile:
    """The layers of a network in order, and their totals."""

    model: str
    input_shapes: tuple[tuple[int | None, ...], ...]
    rows: tuple[LayerProfile, ...]
    trainable: int
    """Trainable parameters; they exclude the running statistics of normalizations."""

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, of all layers where they are known."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The layers whose multiply-accumulates are unknown."""
        return tuple(row.layer for row in self.rows if row.macs is None)

    def table(self) -> dict[str, Any]:
        """The profile as a JSON-ready table."""
        return {
            "model": self.model,
            "inputs": [list(shape) for shape in self.input_shapes],
            "parameters": self.parameters,
            "trainable_parameters": self.trainable,
            "macs": self.macs,
            "uncounted": list(self.uncounted),
            "layers": [{**vars(row), "output_shape": list(row.output_shape)} for row in self.rows],
        }

    def lines(self) -> list[str]:
        """The profile as a text table; layers without parameters and multiply-accumulates are omitted."""
        shown = [row for row in self.rows if row.parameters or row.macs != 0]
        cells = [("layer", "kind", "output", "parameters", "MACs")]
        cells += [
            (row.layer, row.kind, _size(row.output_shape), f"{row.parameters:,}", _count(row.macs))
            for row in shown
        ]
        cells.append(("total", "", "", f"{self.parameters:,}", f"{self.macs:,}"))
        widths = [max(len(row[column]) for row in cells) for column in range(5)]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        inputs = ", ".join(_size(shape) for shape in self.input_shapes)
        lines.insert(0, f"{self.model} for {inputs}; multiply-accumulates (MACs) for one image")
        lines.append(f"{self.trainable:,} of the parameters are trainable")
        if self.uncounted:
            lines.append(f"MACs not counted (unknown type of layer): {', '.join(self.uncounted)}")
        return lines


def profile(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> Profile:
    """Profile a functional or sequential tf_keras model; nested models are counted layer by layer.

    ``input_shape``, without the batch axis, overrides the model's own. ValueError for any other model, for a
    shape that the model does not accept, or if a size remains unknown.
    """
    expect_graph(model)
    if input_shape is not None:
        model = _resized(model, input_shape)
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        model = flattened(model)
    by_layer: dict[str, list[_Call]] = {}
    samples = 1
    for node in calls(model):
        # Between these two layers, the batch also contains the mirror images.
        if isinstance(node.layer, WithMirror):
            samples = 2
        elif isinstance(node.layer, MeanOfBoth):
            samples = 1
        by_layer.setdefault(node.layer.name, []).append(_Call(node, samples))
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    inputs = tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)
    return Profile(model.name, inputs, tuple(map(_row, by_layer.values())), trainable)


def _resized(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    if len(model.inputs) != 1:
        raise ValueError(f"the model {model.name!r} has {len(model.inputs)} inputs, expected one image")
    image = keras.Input(shape, dtype=model.inputs[0].dtype, name=model.input_names[0])
    try:
        resized = keras.models.clone_model(model, input_tensors=[image])
    except ValueError as error:
        raise ValueError(f"the model {model.name!r} does not accept {_size(shape)}: {error}") from None
    if resized.count_params() != model.count_params():
        raise ValueError(
            f"the model {model.name!r} does not accept {_size(shape)}: its weights are for "
            f"{_size(model.inputs[0].shape[1:])}"
        )
    return resized


class _Call(NamedTuple):
    node: Any
    samples: int


def _row(layer_calls: Sequence[_Call]) -> LayerProfile:
    """The profile of one layer over all its calls."""
    first = layer_calls[0].node
    counts = [_macs(call.node) for call in layer_calls]
    known = [macs * call.samples for macs, call in zip(counts, layer_calls, strict=True) if macs is not None]
    macs = sum(known) if len(known) == len(counts) else None
    shape = tf.nest.flatten(first.outputs)[0].shape
    return LayerProfile(
        first.layer.name, type(first.layer).__name__, tuple(shape[1:]), first.layer.count_params(), macs
    )


def _macs(node: Any) -> int | None:
    """Each kernel is applied once per output position (transposed: per input position)."""
    layer = node.layer
    if isinstance(layer, _TRANSPOSED):
        return _positions(layer, node.keras_inputs[0].shape) * _kernel_size(layer)
    if isinstance(layer, _COUNTED):
        return _positions(layer, node.outputs.shape) * _kernel_size(layer)
    if isinstance(layer, L.Dot) or (layer.weights and not isinstance(layer, _WITHOUT_PRODUCTS)):
        return None
    return 0


def _kernel_size(layer: Layer) -> int:
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    return sum(math.prod(getattr(layer, name).shape) for name in names if hasattr(layer, name))


def _positions(layer: Layer, shape: Sequence[int | None]) -> int:
    sizes = [size for size in shape[1:-1] if size is not None]
    if len(sizes) < len(shape) - 2:
        raise ValueError(
            f"the size of the feature map of layer {layer.name!r} is unknown; give the size of the image"
        )
    return math.prod(sizes)


def _size(shape: Sequence[int | None]) -> str:
    return "×".join("?" if size is None else str(size) for size in shape)


def _count(macs: int | None) -> str:
    return "?" if macs is None else f"{macs:,}"


__all__ = ["LayerProfile", "Profile", "profile"]
