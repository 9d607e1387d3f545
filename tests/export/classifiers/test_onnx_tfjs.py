"""ONNX and TF.js files of classifiers: the weights of the TFLite file, and operations that engines fuse."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf_keras as keras
from onnx import helper, numpy_helper

from hanji.export.classifiers.formats.onnx import convert_classifier_onnx
from hanji.export.classifiers.formats.onnx_qdq import simplify_qdq
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tfjs import convert_classifier_tfjs
from hanji.export.classifiers.formats.tfjs_layers import LayerWalk
from hanji.export.classifiers.formats.tflite import named_classifier_tflite
from hanji.export.formats.tfjs import graph_model
from hanji.export.formats.tfjs_node import TfjsCall, TfjsNode
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.objectives import normalized


def weights(content: bytes) -> dict[str, np.ndarray]:
    graph = onnx.load_from_string(content).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def nodes(files: dict[str, bytes]) -> Counter[str]:
    return Counter(node["op"] for node in json.loads(files["model.json"])["modelTopology"]["node"])


def tfjs_files(bundle: Any, scheme: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (bundle(scheme).path / "tfjs").iterdir()}


@pytest.mark.parametrize("scheme", ["float32", "int8", "int8-qat", "int16x8"])
def test_names_types_and_shapes_of_onnx(file: Any, scheme: str) -> None:
    session = onnxruntime.InferenceSession(file(scheme, "model.onnx"))
    (image,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", [1, 8, 8, 1])
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    assert probabilities.shape == [1, 10]


@pytest.mark.parametrize("scheme", ["int8", "int8-qat"])
def test_onnx_has_exactly_the_weights_of_the_tflite_file(file: Any, scheme: str) -> None:
    tflite = file(scheme, "model.tflite")
    kernels = [values for values in weights(file(scheme, "model.onnx")).values() if values.dtype == np.int8]
    large = [values for values in kernels if values.ndim == 4 and values.shape[2:] == (1, 1)]
    assert len(large) == 3
    for kernel in large:
        assert np.ascontiguousarray(kernel.transpose(0, 2, 3, 1)).tobytes() in tflite


@pytest.mark.parametrize("scheme", ["dynamic", "int16x8"])
def test_schemes_without_onnx_kernels_are_stored_with_int8_weights(file: Any, scheme: str) -> None:
    stored = weights(file(scheme, "model.onnx"))
    kernels = [values for values in stored.values() if values.dtype == np.int8]
    assert {kernel.shape[:2] for kernel in kernels} == {(48, 32), (48, 48)}  # the rest is too small
    assert "QuantizeLinear" not in {
        node.op_type for node in onnx.load_from_string(file(scheme, "model.onnx")).graph.node
    }


def test_onnxruntime_fuses_an_int8_network(classifier: Any, tmp_path: Any) -> None:
    """A network without residual sums is fused entirely; ONNX Runtime does not fuse their branches."""
    config = ImageModelConfig(stem_channels=8, stem_stride=1, channels=(16,), blocks=(2,), strides=(2,))
    model = build_classifier(config, height=8, width=8, channels=1, classes=10)
    compressed = classifier("int8")
    network = ClassifySignature(model, compressed.full.image_input, 1.0)
    content = convert_classifier_onnx(
        named_classifier_tflite(network, "int8", calibration=compressed.calibration), "int8"
    )
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options)
    found = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert found["QLinearConv"] == 5
    assert not found["Conv"]


def quantized(top: float, kind: str = "Clip") -> onnx.GraphProto:
    """x → bounds → QuantizeLinear on a grid from 0 to ``top`` → Reshape → DequantizeLinear → y."""
    ends = {
        "low": np.float32(0),
        "high": np.float32(6),
        "scale": np.float32(top / 255),
        "zero": np.int8(-128),
    }
    bounds = ["x", "low", "high"] if kind == "Clip" else ["x"]
    stored = {**ends, "shape": np.array([4], np.int64)}
    chain = [
        helper.make_node(kind, bounds, ["a"]),
        helper.make_node("QuantizeLinear", ["a", "scale", "zero"], ["b"]),
        helper.make_node("Reshape", ["b", "shape"], ["c"]),
        helper.make_node("DequantizeLinear", ["c", "scale", "zero"], ["y"]),
    ]
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [2, 2]), ("y", [4]))
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()]
    return helper.make_graph(chain, "g", values[:1], values[1:], tensors)


@pytest.mark.parametrize(
    ("top", "kind", "kept"),
    [(6.0, "Clip", False), (3.0, "Clip", False), (12.0, "Clip", True), (6.0, "Relu", False)],
)
def test_clipping_is_dropped_if_the_quantization_implies_it(top: float, kind: str, kept: bool) -> None:
    graph = quantized(top, kind)
    x = np.array([[-3.0, 2.7], [5.99, 11.0]], np.float32)

    def output() -> np.ndarray:
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
        return found

    before = output()
    simplify_qdq(graph)
    onnx.checker.check_graph(graph)
    kinds = [node.op_type for node in graph.node]
    assert (kind in kinds) is kept
    assert output().tolist() == before.tolist()
    links = {node.op_type: node.input[0] for node in graph.node}
    assert links["DequantizeLinear"] == "b"


def test_tfjs_has_one_fused_operation_per_layer(bundle: Any) -> None:
    found = nodes(tfjs_files(bundle, "float32"))
    assert found["_FusedConv2D"] == 4
    assert found["FusedDepthwiseConv2dNative"] == 3
    assert found["_FusedMatMul"] == 1
    assert not {"Conv2D", "Relu", "BiasAdd", "FusedBatchNormV3"} & set(found)


def test_a_qat_network_rounds_its_activations_in_tfjs(bundle: Any) -> None:
    found = nodes(tfjs_files(bundle, "int8-qat"))
    assert found["_FusedConv2D"] == 4
    assert found["Round"] >= 9
    assert not any(name.startswith("FakeQuant") for name in found)


@pytest.mark.parametrize("scheme", ["int8-qat", "int8"])
def test_tfjs_has_the_weights_of_the_tflite_file(bundle: Any, file: Any, scheme: str) -> None:
    files = tfjs_files(bundle, scheme)
    (group,) = json.loads(files["model.json"])["weightsManifest"]
    content = b"".join(files[path] for path in group["paths"])
    start, checked = 0, 0
    for entry in group["weights"]:
        width = {"uint8": 1, "float16": 2}.get(entry.get("quantization", {}).get("dtype"), 4)
        end = start + int(np.prod(entry["shape"])) * width
        if width == 1 and entry["shape"][:2] == [1, 1] and scheme == "int8-qat":
            stored = np.frombuffer(content[start:end], np.uint8).reshape(entry["shape"])
            signed = (stored.astype(int) + round(entry["quantization"]["min"])).astype(np.int8)
            assert np.ascontiguousarray(signed[0, 0].T).tobytes() in file(scheme, "model.tflite")
            checked += 1
        start = end
    assert start == len(content)
    assert checked == (3 if scheme == "int8-qat" else 0)
    assert len(content) < 0.75 * sum(map(len, files_of(bundle, "float32")))


def files_of(bundle: Any, scheme: str) -> list[bytes]:
    return [content for name, content in tfjs_files(bundle, scheme).items() if name.endswith(".bin")]


def test_the_tfjs_signature_is_complete(bundle: Any) -> None:
    signature = json.loads(tfjs_files(bundle, "int8")["model.json"])["signature"]
    assert signature["inputs"]["image"]["dtype"] == "DT_INT32"
    assert [size["size"] for size in signature["inputs"]["image"]["tensorShape"]["dim"]] == [
        "1",
        "8",
        "8",
        "1",
    ]
    assert list(signature["outputs"]) == ["probabilities"]


IMAGE = ImageInput(16, 16, 3, "crop", (120.0, 110.0, 100.0), (60.0, 64.0, 70.0), "graph")
KINDS = {
    "shufflenet": ImageModelConfig(
        type="shufflenet", groups=2, stem_channels=8, stem_stride=1, channels=(32,), blocks=(2,), strides=(2,)
    ),
    "mobilenet-v2": ImageModelConfig(
        type="mobilenet-v2", stem_channels=8, stem_stride=1, channels=(16,), blocks=(2,), strides=(2,)
    ),
    "cnn": ImageModelConfig(
        type="cnn", channels=(8, 16), blocks=(2, 1), strides=(2, 2), residual=True, activation="hard-swish"
    ),
}


def network_of(kind: str) -> keras.Model:
    """A network with random batch normalizations that are not folded."""
    keras.utils.set_random_seed(0)
    model = build_classifier(KINDS[kind], height=16, width=16, channels=3, classes=5)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_gives_the_same_results_in_every_format(kind: str, tfjs: TfjsNode) -> None:
    model = network_of(kind)
    network = ClassifySignature(model, IMAGE, 1.5)
    images = np.random.default_rng(1).integers(0, 256, (4, 1, 16, 16, 3), dtype=np.uint8)
    expected = np.stack([network.classify(image)["probabilities"].numpy()[0] for image in images])
    session = onnxruntime.InferenceSession(
        convert_classifier_onnx(named_classifier_tflite(network, "float32"), "float32")
    )
    onnx_found = np.stack([session.run(None, {"image": image})[0][0] for image in images])
    np.testing.assert_allclose(onnx_found, expected, atol=2e-5)
    calls = [TfjsCall({"image": image.astype(np.int32)}, "probabilities") for image in images]
    files = convert_classifier_tfjs(model, IMAGE, 1.5, "float32")
    np.testing.assert_allclose(np.stack(tfjs.run(files, calls).outputs), expected, atol=2e-5)
    if kind != "cnn":  # where pooling between convolution and normalization prevents fusion
        assert not {"FusedBatchNormV3", "BiasAdd", "Conv2D"} & set(nodes(files))


@pytest.mark.parametrize("scheme", ["float32", "dynamic"])
def test_grouped_convolutions_are_split_for_tfjs(tfjs: TfjsNode, scheme: Any) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    wide = keras.layers.Conv2D(16, 3, activation="relu", name="wide")(image)
    grouped = keras.layers.Conv2D(
        32, 3, groups=2, activation="relu", bias_initializer="ones", name="grouped"
    )(wide)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(grouped))
    values = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    files = convert_classifier_tfjs(model, IMAGE, 1.0, scheme)
    assert nodes(files)["_FusedConv2D"] == 3
    (found,) = tfjs.run(files, [TfjsCall({"image": values.astype(np.int32)}, "probabilities")]).outputs
    expected = tf.nn.softmax(model(normalized(values, IMAGE)))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5 if scheme == "float32" else 5e-3)
    content = convert_classifier_onnx(
        named_classifier_tflite(ClassifySignature(model, IMAGE, 1.0), "float32"), "float32"
    )
    (onnx_found,) = onnxruntime.InferenceSession(content).run(None, {"image": values})
    np.testing.assert_allclose(onnx_found[0], expected, atol=1e-5)


def test_operations_with_several_outputs_work_in_tfjs(tfjs: TfjsNode) -> None:
    def halves(image: Any) -> dict[str, Any]:
        left, right = tf.split(tf.cast(image, tf.float32), 2, axis=1)
        return {"difference": right - left}

    function = tf.function(
        halves, input_signature=[tf.TensorSpec([1, 4], tf.int32, "image")], autograph=False
    )
    walk = LayerWalk(function, {"image": (1, 4)}, {"difference": (1, 2)}, int8_weights=False)
    call = TfjsCall({"image": np.array([[1, 2, 7, 9]], np.int32)}, "difference")
    (found,) = tfjs.run(graph_model(walk.graph(), "float32"), [call]).outputs
    assert found.tolist() == [6.0, 7.0]
