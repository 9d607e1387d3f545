"""Small ONNX and TFLite classifiers in every layout, whose answers numpy computes as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
HEIGHT, WIDTH = 6, 4
"""Different from one another, so that a wrong order of the axes shows."""


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def image(channels: int = 3, seed: int = 7) -> Array:
    shape = (HEIGHT, WIDTH, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@dataclass(frozen=True)
class Network:
    """flatten(input in NHWC or NCHW) @ kernel; every element of the input has another weight."""

    channels: int = 3
    outputs: int = 3
    first: bool = False
    """Whether the channels come first."""

    @property
    def kernel(self) -> Array:
        sizes = (HEIGHT * WIDTH * self.channels, self.outputs)
        return np.random.default_rng(1).normal(0, 0.4, sizes).astype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        c, h, w = self.channels, HEIGHT, WIDTH
        return (1, c, h, w) if self.first else (1, h, w, c)

    def logits(self, values: Array) -> Array:
        """The logits of normalized values [height, width, channels], in the order that the model takes."""
        ordered = np.moveaxis(values, 2, 0) if self.first else values
        return ordered.ravel() @ self.kernel.astype(np.float64)


def onnx_model(
    network: Network,
    *,
    shape: Sequence[int | str] | None = None,
    dtype: int = TensorProto.FLOAT,
    output: Sequence[int | str] | None = (1, 3),
    activation: str = "Softmax",
    extra: Sequence[str] = (),
    opset: int = 17,
    ir_version: int = 8,
) -> onnx.ModelProto:
    """The network as ONNX; the input, weights and output are of ``dtype``, integers are cast.

    ``output`` is the declared shape, to which the answers are reshaped; ``extra`` are names of inner values
    that are outputs as well. ``activation`` may be empty.
    """
    floats = (
        dtype if dtype in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE) else TensorProto.FLOAT
    )
    numbers = helper.tensor_dtype_to_np_dtype(floats)
    sizes = [1 if isinstance(size, str) else size for size in output or (1, network.outputs)]
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], to=floats),
        helper.make_node("Reshape", ["real", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
        helper.make_node(activation or "Identity", ["logits"], ["answers"]),
        helper.make_node("Reshape", ["answers", "output_shape"], ["found"]),
    ]
    constants = {
        "kernel": network.kernel.astype(numbers),
        "flat_shape": np.array([1, -1]),
        "output_shape": np.array(sizes),
    }
    values = [helper.make_tensor_value_info("found", floats, output)]
    values += [helper.make_tensor_value_info(name, floats, None) for name in extra]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", dtype, network.shape if shape is None else shape)],
        values,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def saved(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def tflite_model(
    network: Network,
    *,
    activation: str = "softmax",
    output: Sequence[int] = (1, 3),
    dtype: Any = tf.float32,
    shape: Sequence[int | None] | None = None,
    **options: Any,
) -> bytes:
    """The network as TFLite, converted with ``options``."""

    @tf.function(input_signature=[tf.TensorSpec(network.shape if shape is None else shape, dtype)])
    def answers(x: tf.Tensor) -> tf.Tensor:
        logits = tf.reshape(tf.cast(x, tf.float32), [1, -1]) @ network.kernel
        found = getattr(tf.nn, activation)(logits) if activation else logits
        return tf.cast(tf.reshape(found, output), dtype if dtype.is_floating else tf.float32)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([answers.get_concrete_function()])
    for name, value in options.items():
        setattr(converter, name, value)
    return bytes(converter.convert())
