"""The TF.js graph of a classifier, with the convolution, bias and activation of each layer fused.

TF.js itself fuses nothing. Batch normalization after a convolution is folded into its kernel and bias; a
quantized kernel is stored as integers, with one scale per output channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.core.framework.node_def_pb2 import NodeDef

from hanji.export.formats.fake_quant import Grid, scales_of_ranges
from hanji.export.formats.tfjs_graph import PASS_THROUGH, Emission, Shape, Walk
from hanji.export.formats.weights import should_quantize, symmetric_int8_channels

Values = npt.NDArray[Any]

_FUSED = {
    "Conv2D": "_FusedConv2D",
    "DepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
    "MatMul": "_FusedMatMul",
}
_ACTIVATIONS = ("Relu", "Relu6")
_DEPTHWISE = ("DepthwiseConv2dNative",)
"""Products whose output channels are the last two axes of the kernel: input channel and multiplier."""

_BIASES = ("BiasAdd", "FusedBatchNormV3")
_RANGES = "FakeQuantWithMinMaxVarsPerChannel"


@dataclass(frozen=True)
class _Kernel:
    """``values``, and for a quantized kernel the ``integers`` and ``scales`` whose product they are."""

    values: Values
    integers: Values | None = None
    scales: Values | None = None

    def scaled(self, factor: Values) -> _Kernel:
        """The kernel of a layer whose output is multiplied by ``factor``, one value per channel."""
        if self.scales is None:
            return _Kernel(self.values * factor)
        return _Kernel(self.values * factor, self.integers, self.scales * factor)

    def part(self, index: int, count: int) -> _Kernel:
        """One of ``count`` groups of output channels."""
        values = np.split(self.values, count, axis=-1)[index]
        return _Kernel(values, _part(self.integers, index, count), _part(self.scales, index, count))


@dataclass(frozen=True)
class _Layer:
    """A convolution or matrix product with its bias and activation."""

    product: NodeDef
    kernel: _Kernel
    bias: Values | None
    activation: str | None

    def part(self, index: int, count: int) -> _Layer:
        """One of ``count`` groups."""
        kernel, bias = self.kernel.part(index, count), _part(self.bias, index, count)
        return _Layer(self.product, kernel, bias, self.activation)


class LayerWalk(Walk):
    """A walk that emits one fused operation per layer; ``int8_weights`` quantizes large kernels to int8."""

    def __init__(
        self, function: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], *, int8_weights: bool
    ) -> None:
        super().__init__(function, inputs, outputs)
        self.int8_weights = int8_weights
        nodes = (node for node in self.definition.node if node.op not in PASS_THROUGH)
        self.readers = Counter(name for node in nodes for name in self._inputs(node))

    def _emitted(self, node: NodeDef, label: str | None) -> Emission:
        layer = None if self._is_constant(node.name) else self._layer(node)
        if layer is None:
            return (yield from super()._emitted(node, label))
        source = self._inputs(layer.product)[0]
        read = yield source
        groups = self._groups(layer, source)
        if groups == 1:
            return self._fused(layer, read)
        parts = [
            self._fused(layer.part(index, groups), self._channels(read, index, layer.kernel))
            for index in range(groups)
        ]
        return self._concatenated(parts)

    def _layer(self, node: NodeDef) -> _Layer | None:
        """The layer that ends in ``node``, or None unless its kernel is constant."""
        activation = node.op if node.op in _ACTIVATIONS else None
        below = self._only_input(node) if activation else node
        after = below if below is not None and below.op in _BIASES else None
        product = self._only_input(after) if after is not None else below
        if product is None or product.op not in _FUSED or not self._has_kernel(product):
            return None
        kernel = self._kernel(product)
        if after is None:
            return _Layer(product, kernel, None, activation)
        if after.op == "BiasAdd":
            return _Layer(product, kernel, self._value(self._inputs(after)[1]), activation)
        factor, shift = self._normalization(after)
        return _Layer(product, kernel.scaled(_as_channels(factor, kernel.values)), shift, activation)

    def _only_input(self, node: NodeDef) -> NodeDef | None:
        """The first input of ``node``; None if it has other readers or another input is not constant."""
        first, *others = self._inputs(node)
        if self.readers[first] > 1 or ":" in first or not all(map(self._is_constant, others)):
            return None
        return self.source[first]

    def _has_kernel(self, product: NodeDef) -> bool:
        if product.op == "MatMul" and (product.attr["transpose_a"].b or product.attr["transpose_b"].b):
            return False
        return self._is_constant(self._inputs(product)[1])

    def _kernel(self, product: NodeDef) -> _Kernel:
        name = self._inputs(product)[1]
        values = self._value(name)
        scales = self._rounding(name, values.shape)
        if scales is not None:
            return _Kernel(values, np.rint(values / scales), scales)
        if self.int8_weights and should_quantize(values):
            # A depthwise kernel has its output channels along its third axis, any other along its last.
            axis = 2 if product.op in _DEPTHWISE else values.ndim - 1
            integers, scales = symmetric_int8_channels(values, axis)
            return _Kernel(values, integers.astype(np.float32), scales)
        return _Kernel(values)

    def _rounding(self, name: str, shape: tuple[int, ...]) -> Values | None:
        """The quantization scale of each kernel value, or None for a kernel without FakeQuant."""
        node = self.source[name]
        if node.op in ("Reshape", "Transpose"):
            source, how = self._inputs(node)
            found = self._rounding(source, self._value(source).shape)
            if found is None:
                return None
            moved = found.reshape(shape) if node.op == "Reshape" else found.transpose(self._value(how))
            return moved
        if node.op == _RANGES:
            low, high = (self._value(source) for source in self._inputs(node)[1:])
            bits, narrow = node.attr["num_bits"].i, node.attr["narrow_range"].b
            return np.broadcast_to(scales_of_ranges(low, high, bits=bits, narrow=narrow), shape)
        grid = self._grid(node)
        return None if grid is None else np.full(shape, grid.scale, np.float32)

    def _normalization(self, node: NodeDef) -> tuple[Values, Values]:
        """The factor and offset of a batch normalization."""
        scale, offset, mean, variance = (self._value(name) for name in self._inputs(node)[1:5])
        exact = scale / np.sqrt(variance.astype(np.float64) + node.attr["epsilon"].f)
        return exact.astype(np.float32), (offset - mean * exact).astype(np.float32)

    def _groups(self, layer: _Layer, source: str) -> int:
        """The number of groups of a convolution; TF.js supports only ungrouped ones."""
        if layer.product.op != "Conv2D":
            return 1
        name, _, port = source.partition(":")
        channels = self.frozen.graph.get_tensor_by_name(f"{name}:{port or 0}").shape[-1]
        return int(channels // layer.kernel.values.shape[2])

    def _fused(self, layer: _Layer, source: str) -> str:
        kernel, factor = layer.kernel, _output_scales(layer)
        if factor is None:
            return self._single(layer, source, self._add_weight(kernel.values))
        if factor.size == 1:
            return self._single(layer, source, self._integer_weight(kernel, scale=float(factor[0])))
        # TF.js packs a constant kernel once, but a computed one in every call. So the scales are applied to
        # the output instead, after the bias and, where that gives the same result, after the activation.
        weight = self._integer_weight(kernel, scale=1.0)
        bias = None if layer.bias is None else (layer.bias / factor).astype(np.float32)
        inside = layer.activation if layer.activation == "Relu" and (factor > 0).all() else None
        found = self._single(_Layer(layer.product, kernel, bias, inside), source, weight)
        found = self._emit(NodeDef(op="Mul"), [found, self._add_weight(factor)])
        if layer.activation in (inside, None):
            return found
        return self._emit(NodeDef(op=layer.activation), [found])

    def _single(self, layer: _Layer, source: str, kernel: str) -> str:
        """Emit the product with ``kernel``, the bias and the activation as a single operation."""
        inputs, fused = [source, kernel], []
        if layer.bias is not None:
            inputs.append(self._add_weight(layer.bias))
            fused.append("BiasAdd")
        if layer.activation is not None:
            fused.append(layer.activation)
        if not fused:
            return self._emit(layer.product, inputs)
        node = NodeDef()
        node.CopyFrom(layer.product)
        node.op = _FUSED[layer.product.op]
        node.attr["fused_ops"].list.s.extend(name.encode() for name in fused)
        node.attr["num_args"].i = len(inputs) - 2
        return self._emit(node, inputs)

    def _integer_weight(self, kernel: _Kernel, *, scale: float) -> str:
        """A weight with the integers of the kernel, times ``scale``."""
        integers = np.zeros(0) if kernel.integers is None else kernel.integers
        grid = Grid(scale, zero_point=max(0, int(-integers.min())), first=0, last=255)
        return self._add_weight((integers * np.float32(scale)).astype(np.float32), grid)

    def _channels(self, source: str, index: int, kernel: _Kernel) -> str:
        size = kernel.values.shape[2]
        bounds = [np.array(bound, np.int32) for bound in ((0, 0, 0, index * size), (-1, -1, -1, size))]
        return self._emit(NodeDef(op="Slice"), [source, *map(self._add_weight, bounds)])

    def _concatenated(self, parts: list[str]) -> str:
        node = NodeDef(op="ConcatV2")
        node.attr["N"].i = len(parts)
        return self._emit(node, [*parts, self._add_weight(np.int32(3))])


def _as_channels(factor: Values, kernel: Values) -> Values:
    """``factor``, one value per output channel, in a shape that broadcasts to the kernel."""
    if kernel.ndim == 4 and kernel.shape[3] != len(factor):  # depthwise: [h, w, channels, multiplier]
        return factor.reshape(kernel.shape[2:])
    return factor


def _output_scales(layer: _Layer) -> Values | None:
    """The scales of a layer's kernel, one per output channel or a single one.

    None for a kernel that must be stored in float32: not quantized, more than 8 bits, or scales that cannot
    be applied per output channel.
    """
    kernel = layer.kernel
    if kernel.integers is None or kernel.scales is None or np.ptp(kernel.integers) > 255:
        return None
    scales = kernel.scales
    for axis in range(scales.ndim):
        first = scales.take([0], axis)
        if np.array_equal(np.broadcast_to(first, scales.shape), scales):
            scales = first
    outputs = kernel.values.shape[-2:] if layer.product.op in _DEPTHWISE else kernel.values.shape[-1:]
    if scales.size > 1:
        if scales.size != int(np.prod(scales.shape[-len(outputs) :])) or not (scales != 0).all():
            return None
        scales = np.broadcast_to(scales.reshape(scales.shape[-len(outputs) :]), outputs)
    return np.ascontiguousarray(scales, np.float32).ravel()


def _part(array: Values | None, index: int, count: int) -> Values | None:
    """One of ``count`` parts along the last axis; the whole array if that axis has size 1."""
    if array is None or array.shape[-1] == 1:
        return array
    return np.split(array, count, axis=-1)[index]


__all__ = ["LayerWalk"]
