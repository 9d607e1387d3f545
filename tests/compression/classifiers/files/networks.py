"""One small depthwise network as an ONNX file (channels first) and as a TFLite file (channels last)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

SIZE, CHANNELS, CLASSES = 12, 16, 4
Array = npt.NDArray[np.float32]


def images(count: int = 64, seed: int = 0) -> Array:
    """Random images with values 0 to 1 and a different brightness of each color [n, 12, 12, 3]."""
    rng = np.random.default_rng(seed)
    return (rng.random((count, 1, 1, 3)) * rng.random((count, SIZE, SIZE, 3))).astype(np.float32)


def kernels(spread: float) -> tuple[Array, Array, Array]:
    """Kernels [3, 3, 3, 16], [3, 3, 16, 1] and [16, 4]; depthwise channels differ up to ``spread`` times.

    The first kernel makes up for it, so that small channels matter as much as large ones.
    """
    rng = np.random.default_rng(1)
    scales = np.geomspace(1.0, spread, CHANNELS)
    stem = rng.normal(0.0, 0.4, (3, 3, 3, CHANNELS)) / scales
    depthwise = rng.normal(0.0, 0.4, (3, 3, CHANNELS, 1)) * scales[:, None]
    head = rng.normal(0.0, 6.0, (CHANNELS, CLASSES))
    return stem.astype(np.float32), depthwise.astype(np.float32), head.astype(np.float32)


def tflite_file(spread: float, activation: str = "softmax", *, other_classes: bool = False) -> bytes:
    """The network as a TFLite file without a signature; ``activation`` may be empty.

    Its classes may be in the opposite order.
    """
    stem, depthwise, head = kernels(spread)
    head = head[:, ::-1] if other_classes else head

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3])])
    def network(image: Any) -> Any:
        features = tf.nn.relu(tf.nn.conv2d(image, stem, 1, "SAME"))
        features = tf.nn.relu(tf.nn.depthwise_conv2d(features, depthwise, [1, 1, 1, 1], "SAME"))
        logits = tf.reduce_mean(features, [1, 2]) @ head
        return getattr(tf.nn, activation)(logits) if activation else logits

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], network)
    return bytes(converter.convert())


def onnx_file(spread: float, activation: str = "softmax", *, opset: int = 17) -> bytes:
    """The network as an ONNX file whose operators have no names; ``activation`` may be empty."""
    stem, depthwise, head = kernels(spread)
    weights = {
        "stem": stem.transpose(3, 2, 0, 1),
        "depthwise": depthwise.transpose(2, 3, 0, 1),
        "head": head,
    }
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    nodes = [
        helper.make_node("Conv", ["image", "stem"], ["a"], **same),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "depthwise"], ["c"], group=CHANNELS, **same),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("GlobalAveragePool", ["d"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "head"], ["g"]),
        helper.make_node(activation.capitalize() or "Identity", ["g"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


__all__ = ["CLASSES", "images", "kernels", "onnx_file", "tflite_file"]
