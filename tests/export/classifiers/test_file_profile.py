"""`hanji profile` of model files: the numbers of the layers that they were made from, or computed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf_keras as keras
from onnx import TensorProto, helper, numpy_helper

from hanji.export.classifiers.inspection.file_profile import file_profile
from hanji.runtime.cli import main
from hanji.training.classifiers.profile import profile

L = keras.layers


def onnx_file(path: Path, nodes: list[Any], weights: dict[str, tuple[int, ...]], shape: list[Any]) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(size, np.float32), name) for name, size in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def counts(path: Path, shape: tuple[int, int, int] | None = None) -> list[tuple[str, int, int | None]]:
    rows = file_profile(path, shape).rows
    return [(row.kind, row.parameters, row.macs) for row in rows if row.parameters or row.macs != 0]


def network(*layers: Any) -> Any:
    return keras.Sequential([keras.Input((8, 8, 3), batch_size=1), *layers])


@pytest.mark.parametrize("quantized", [False, True])
def test_a_tflite_file_costs_what_its_layers_cost(quantized: bool, tmp_path: Path) -> None:
    bias = {"bias_initializer": "normal"}  # zeros are left out of a file
    model = network(
        L.Conv2D(8, 3, strides=2, **bias),
        L.DepthwiseConv2D(3, padding="same", **bias),
        L.Conv2DTranspose(4, 3, **bias),
        L.Flatten(),
        L.Dense(5, **bias),
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([np.full((1, 8, 8, 3), i, np.float32)] for i in range(2))
    path = tmp_path / "model.tflite"
    path.write_bytes(converter.convert())
    expected, found = profile(model), file_profile(path)
    assert found.input_shapes == ((8, 8, 3),) and found.trainable is None
    assert [row.macs for row in found.rows if row.macs] == [row.macs for row in expected.rows if row.macs]
    assert (found.macs, found.uncounted) == (expected.macs, ())
    assert found.parameters == expected.parameters


def test_operators_of_an_onnx_file(tmp_path: Path) -> None:
    nodes = [
        helper.make_node(
            "Conv", ["x", "k", "b"], ["a"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
        ),
        helper.make_node("Conv", ["a", "d"], ["c"], kernel_shape=[3, 3], group=8),
        helper.make_node("ConvTranspose", ["c", "t"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("Flatten", ["f"], ["g"]),
        helper.make_node("MatMul", ["g", "m"], ["h"]),
        helper.make_node("Gemm", ["h", "w"], ["y"], transB=1),
    ]
    weights = {"k": (8, 3, 3, 3), "b": (8,), "d": (8, 1, 3, 3), "t": (8, 4, 2, 2), "m": (64, 6), "w": (5, 6)}
    path = onnx_file(tmp_path / "model.onnx", nodes, weights, ["n", 3, 8, 8])
    assert counts(path) == [
        ("Conv", 8 * 27 + 8, 4 * 4 * 8 * 27),
        ("Conv", 72, 2 * 2 * 72),
        ("ConvTranspose", 128, 2 * 2 * 128),
        ("MatMul", 384, 384),
        ("Gemm", 30, 30),
    ]


def test_quantized_weights_belong_to_the_operator_that_multiplies_with_them(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["k", "scale"], ["kernel"]),
        helper.make_node("Conv", ["x", "kernel"], ["y"], kernel_shape=[1, 1]),
    ]
    path = onnx_file(tmp_path / "model.onnx", nodes, {"scale": ()}, [1, 3, 8, 8])
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 3, 1, 1), np.int8), "k"))
    onnx.save(model, path)
    assert counts(path) == [("Conv", 6, 64 * 6)]


def test_open_sizes_need_the_size_of_the_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("Conv", ["x", "k"], ["y"], kernel_shape=[1, 1])]
    path = onnx_file(tmp_path / "model.onnx", nodes, {"k": (2, 3, 1, 1)}, ["n", 3, "h", "w"])
    assert main(["profile", str(path)]) == 1
    assert "model.onnx: the size of a value" in capsys.readouterr().err
    assert main(["profile", str(path), "--input", "4x6x3", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["inputs"], table["macs"], table["trainable_parameters"]) == ([[3, 4, 6]], 4 * 6 * 6, None)


def test_operators_of_unknown_cost_are_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2, name="memory")]
    weights = {"w": (1, 8, 3), "r": (1, 8, 2)}
    found = file_profile(onnx_file(tmp_path / "model.onnx", nodes, weights, [4, 1, 3]))
    assert (found.uncounted, found.parameters) == (("memory",), 40)
    assert found.lines()[-1] == "MACs not counted (unknown type): memory"
