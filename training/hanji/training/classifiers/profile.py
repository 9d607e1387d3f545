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
    """One layer; its multiply-accumulates are for one picture."""

    layer: str
    kind: str
    output_shape: tuple[int | None, ...]
    """Without the batch; of its first use, where it is used several times."""

    parameters: int
    macs: int | None
    """None: of this kind of layer nobody knows."""


@dataclass(frozen=True)
class Profile:
    """A network's layers in order, and what they come to."""

    model: str
    input_shapes: tuple[tuple[int | None, ...], ...]
    rows: tuple[LayerProfile, ...]
    trainable: int
    """Parameters that training changes: not the running statistics of normalizations."""

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one picture, in all layers of which they are known."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The layers of which they are not known."""
        return tuple(row.layer for row in self.rows if row.macs is None)

    def table(self) -> dict[str, Any]:
        """All of it as plain types, for JSON."""
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
        """A table for people; layers without parameters and multiply-accumulates are left out."""
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
        lines.insert(0, f"{self.model} for {inputs}; multiply-accumulates (MACs) of one picture")
        lines.append(f"{self.trainable:,} of the parameters are trainable")
        if self.uncounted:
            lines.append(f"not counted, as their kind is not known: {', '.join(self.uncounted)}")
        return lines


def profile(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> Profile:
    """Count a functional or sequential tf_keras model; networks inside it are counted layer by layer.

    ``input_shape``, without the batch, takes the place of the model's own. ValueError if the layers cannot be
    followed, if the model does not take that shape, or if a size stays unknown.
    """
    expect_graph(model)
    if input_shape is not None:
        model = _resized(model, input_shape)
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        model = flattened(model)
    by_layer: dict[str, list[_Use]] = {}
    samples = 1
    for call in calls(model):
        # Between these two the mirror image goes through the same layers.
        if isinstance(call.layer, WithMirror):
            samples = 2
        elif isinstance(call.layer, MeanOfBoth):
            samples = 1
        by_layer.setdefault(call.layer.name, []).append(_Use(call, samples))
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    inputs = tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)
    return Profile(model.name, inputs, tuple(map(_row, by_layer.values())), trainable)


def _resized(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    if len(model.inputs) != 1:
        raise ValueError(f"the model {model.name!r} takes {len(model.inputs)} inputs, not one picture")
    image = keras.Input(shape, dtype=model.inputs[0].dtype, name=model.input_names[0])
    try:
        resized = keras.models.clone_model(model, input_tensors=[image])
    except ValueError as error:
        raise ValueError(f"the model {model.name!r} does not take {_size(shape)}: {error}") from None
    if resized.count_params() != model.count_params():
        raise ValueError(
            f"the model {model.name!r} does not take {_size(shape)}: its weights are for "
            f"{_size(model.inputs[0].shape[1:])}"
        )
    return resized


class _Use(NamedTuple):
    call: Any
    samples: int


def _row(uses: Sequence[_Use]) -> LayerProfile:
    """Of one layer, all uses."""
    first = uses[0].call
    counts = [_macs(use.call) for use in uses]
    known = [macs * use.samples for macs, use in zip(counts, uses, strict=True) if macs is not None]
    macs = sum(known) if len(known) == len(counts) else None
    shape = tf.nest.flatten(first.outputs)[0].shape
    return LayerProfile(
        first.layer.name, type(first.layer).__name__, tuple(shape[1:]), first.layer.count_params(), macs
    )


def _macs(call: Any) -> int | None:
    """Each kernel is laid on once at each place of what comes out (transposed: of what comes in)."""
    layer = call.layer
    if isinstance(layer, _TRANSPOSED):
        return _places(layer, call.keras_inputs[0].shape) * _kernel_size(layer)
    if isinstance(layer, _COUNTED):
        return _places(layer, call.outputs.shape) * _kernel_size(layer)
    if isinstance(layer, L.Dot) or (layer.weights and not isinstance(layer, _WITHOUT_PRODUCTS)):
        return None
    return 0


def _kernel_size(layer: Layer) -> int:
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    return sum(math.prod(getattr(layer, name).shape) for name in names if hasattr(layer, name))


def _places(layer: Layer, shape: Sequence[int | None]) -> int:
    sizes = [size for size in shape[1:-1] if size is not None]
    if len(sizes) < len(shape) - 2:
        raise ValueError(
            f"the size of what layer {layer.name!r} works on is open; give the size of the picture"
        )
    return math.prod(sizes)


def _size(shape: Sequence[int | None]) -> str:
    return "×".join("?" if size is None else str(size) for size in shape)


def _count(macs: int | None) -> str:
    return "?" if macs is None else f"{macs:,}"


__all__ = ["LayerProfile", "Profile", "profile"]
