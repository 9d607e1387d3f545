"""The same kind of network as PyTorch's exporters write it, made with onnx.helper.

The first form is that of torch.onnx.export in PyTorch 1.13, node by node as it writes the network of
``export_network.py``. The second has what differs in PyTorch 2 with ``dynamo=True``: opset 18, pooling as a
mean whose axes are an input, flattening by a reshape to a constant, initializers for the limits of ReLU6, and
weights in a file of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SHAPE = (1, 3, 32, 24)
_ONE = {"dilations": [1, 1], "kernel_shape": [1, 1], "pads": [0, 0, 0, 0], "strides": [1, 1]}
_THREE = {"dilations": [1, 1], "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}


def _weights(bias: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {
        "onnx::Conv_26": (8, 3, 3, 3),
        "onnx::Conv_27": (8,),
        "features.3.weight": (8, 1, 3, 3),
        "features.3.bias": (8,),
        "features.5.weight": (16, 8, 1, 1),
        "features.5.bias": (16,),
    }
    found = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    head = rng.normal(0, 3, (3, 16)).astype(np.float32)
    return {**found, "classifier.weight": head, "classifier.bias": np.asarray(bias, np.float32)}


def _trunk(limits: tuple[str, str]) -> list[Any]:
    node = helper.make_node
    return [
        node("Conv", ["image", "onnx::Conv_26", "onnx::Conv_27"], ["a"], group=1, strides=[2, 2], **_THREE),
        node("Relu", ["a"], ["b"]),
        node(
            "Conv",
            ["b", "features.3.weight", "features.3.bias"],
            ["c"],
            group=8,
            strides=[1, 1],
            **_THREE,
        ),
        node("Clip", ["c", *limits], ["d"]),
        node("Conv", ["d", "features.5.weight", "features.5.bias"], ["e"], group=1, **_ONE),
        node("HardSwish", ["e"], ["f"]),
    ]


def _as_torch_1(result: str) -> tuple[list[Any], dict[str, Any]]:
    node = helper.make_node
    constants = [
        node("Constant", [], [f"/features/features.4/Constant{end}_output_0"], value=_scalar(value))
        for end, value in (("", 0.0), ("_1", 6.0))
    ]
    nodes = [
        *constants,
        *_trunk((constants[0].output[0], constants[1].output[0])),
        node("GlobalAveragePool", ["f"], ["g"]),
        node("Flatten", ["g"], ["h"], axis=1),
        node("Gemm", ["h", "classifier.weight", "classifier.bias"], [result], alpha=1.0, beta=1.0, transB=1),
    ]
    return nodes, {}


def _as_torch_2(result: str) -> tuple[list[Any], dict[str, Any]]:
    node = helper.make_node
    nodes = [
        *_trunk(("low", "high")),
        node("ReduceMean", ["f", "axes"], ["g"], keepdims=1, noop_with_empty_axes=0),
        node("Reshape", ["g", "shape"], ["h"], allowzero=1),
        node("Gemm", ["h", "classifier.weight", "classifier.bias"], [result], alpha=1.0, beta=1.0, transB=1),
    ]
    constants = {"axes": np.array([-1, -2]), "shape": np.array([1, 16])}
    return nodes, {**constants, "low": np.float32(0), "high": np.float32(6)}


def _scalar(value: float) -> Any:
    return numpy_helper.from_array(np.array(value, np.float32))


def model(form: str, bias: Any, *, softmax: bool) -> onnx.ModelProto:
    """The network in the ``form`` "torch 1" or "torch 2", which gives logits or probabilities.

    ``bias`` is that of the last layer, one number for each of three classes.
    """
    result = "inner" if softmax else "logits"
    nodes, constants = (_as_torch_1 if form == "torch 1" else _as_torch_2)(result)
    if softmax:
        nodes.append(helper.make_node("Softmax", ["inner"], ["logits"], axis=1))
    for index, node in enumerate(nodes):
        node.name = f"/{node.op_type}_{index}" if form == "torch 1" else f"node_{node.op_type}_{index}"
    opset, producer = (14, "1.13.1") if form == "torch 1" else (18, "2.9.0")
    graph = helper.make_graph(
        nodes,
        "torch_jit" if form == "torch 1" else "main_graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in {**_weights(bias), **constants}.items()
        ],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=7 if form == "torch 1" else 10,
        producer_name="pytorch",
        producer_version=producer,
    )


def write(form: str, out: Path) -> None:
    """Write what ``export_network.py`` writes; the answers are those of ONNX's reference implementation."""
    images = np.load(out / "images.npy")
    values = ((images / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)
    bias = -_answers(model(form, np.zeros(3), softmax=False), values).mean(axis=0)  # no class wins everywhere
    np.save(out / "logits.npy", _answers(model(form, bias, softmax=False), values))
    for name in ("logits", "softmax"):
        own = {"save_as_external_data": True, "location": f"{name}.onnx.data", "size_threshold": 0}
        made = model(form, bias, softmax=name == "softmax")
        onnx.save(made, out / f"{name}.onnx", **(own if form == "torch 2" else {}))


def _answers(made: onnx.ModelProto, values: Any) -> Any:
    evaluator = ReferenceEvaluator(made)
    return np.stack([evaluator.run(None, {"image": value[None]})[0][0] for value in values])
