"""Layers of networks that were built elsewhere, in every format, and formats that cannot represent them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf_keras as keras
from onnx import helper

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.quantization.qat import quantization_aware
from hanji.compression.classifiers.quantization.ranges import measure_ranges, refresh_kernel_ranges
from hanji.export.classifiers.formats.onnx import convert_classifier_onnx
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tfjs import convert_classifier_tfjs
from hanji.export.classifiers.formats.tflite import named_classifier_tflite
from hanji.export.classifiers.writer import export_classifier
from hanji.export.formats.onnx_graph import canonical
from hanji.export.formats.tfjs_graph import Walk
from hanji.export.formats.tfjs_node import TfjsCall, TfjsNode
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ImageInput
from hanji.training.errors import ConversionError

L = keras.layers
SIDE = 12
IMAGE = ImageInput(SIDE, SIDE, 3, "crop", (127.5,) * 3, (63.0,) * 3, "graph")
IMAGES = np.random.default_rng(1).integers(0, 256, (6, 1, SIDE, SIDE, 3), dtype=np.uint8)


def network_of(*layers: Callable[[Any], Any]) -> keras.Model:
    """A convolution, these layers, and a head, with random biases and statistics."""
    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3))
    x = L.Conv2D(8, 3, activation="relu", name="stem")(image)
    for layer in layers:
        x = layer(x)
    model = keras.Model(image, L.Dense(4, name="head")(L.GlobalAveragePooling2D()(x)))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "kernel" not in weight.name:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


FOREIGN = {
    "gelu": (L.Conv2D(8, 3, activation="gelu"), lambda x: keras.activations.gelu(x, approximate=True)),
    "multiplier": (
        L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        L.BatchNormalization(),
        L.ReLU(),
    ),
    "statistics": (L.Conv2D(8, 3, activation="softsign"), L.LayerNormalization()),
}


def expected_of(network: ClassifySignature) -> np.ndarray:
    return np.stack([network.classify(image)["probabilities"].numpy()[0] for image in IMAGES])


def in_tfjs(files: dict[str, bytes], tfjs: TfjsNode) -> np.ndarray:
    calls = [TfjsCall({"image": image.astype(np.int32)}, "probabilities") for image in IMAGES]
    return np.stack(tfjs.run(files, calls).outputs)


def in_onnxruntime(content: bytes) -> np.ndarray:
    session = onnxruntime.InferenceSession(content)
    return np.stack([session.run(None, {"image": image})[0][0] for image in IMAGES])


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_layers_give_the_same_results_in_onnx_and_tfjs(kind: str, tfjs: TfjsNode) -> None:
    model = network_of(*FOREIGN[kind])
    network = ClassifySignature(model, IMAGE, 1.5)
    expected = expected_of(network)
    found = in_onnxruntime(convert_classifier_onnx(named_classifier_tflite(network, "float32"), "float32"))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(
        in_tfjs(convert_classifier_tfjs(model, IMAGE, 1.5, "float32"), tfjs), expected, atol=1e-5
    )


def test_gelu_between_quantized_layers_is_written_to_onnx() -> None:
    network = ClassifySignature(network_of(*FOREIGN["gelu"]), IMAGE, 1.0)
    tflite = named_classifier_tflite(network, "int8", calibration=IMAGES[:, 0])
    content = convert_classifier_onnx(tflite, "int8")
    kinds = {node.op_type for node in onnx.load_from_string(content).graph.node}
    assert {"Erf", "Tanh", "QuantizeLinear"} <= kinds
    np.testing.assert_allclose(in_onnxruntime(content), expected_of(network), atol=0.05)


def test_a_quantized_depthwise_kernel_with_a_multiplier_is_written_to_tfjs(tfjs: TfjsNode) -> None:
    model = quantization_aware(network_of(*FOREIGN["multiplier"]))
    refresh_kernel_ranges(model)
    measure_ranges(model, IMAGES[:, 0], IMAGE, batch_size=6)
    expected = expected_of(ClassifySignature(model, IMAGE, 1.0))
    for scheme in ("int8-qat", "dynamic"):
        found = in_tfjs(convert_classifier_tfjs(model, IMAGE, 1.0, scheme), tfjs)
        np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_graph_deeper_than_the_stack_of_python_is_written_to_tfjs() -> None:
    def deep(image: Any) -> dict[str, Any]:
        x = tf.cast(image, tf.float32)
        for _ in range(1500):
            x = tf.sin(x)
        return {"y": x}

    function = tf.function(deep, input_signature=[tf.TensorSpec([1], tf.int32, "image")], autograph=False)
    graph = Walk(function, {"image": (1,)}, {"y": (1,)}).graph()
    assert [node.op for node in graph.nodes].count("Sin") == 1500
    assert [node.name for node in graph.nodes][-1] == "y"


def test_a_graph_deeper_than_the_stack_of_python_is_written_to_onnx() -> None:
    chain = [helper.make_node("Sin", [f"x{index}"], [f"x{index + 1}"]) for index in range(1500)]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x0", "x1500")]
    model = helper.make_model(helper.make_graph(chain[::-1], "deep", ends[:1], ends[1:]))
    found = canonical(model, {"x0": "x", "x1500": "y"}).graph.node
    assert [node.op_type for node in found] == ["Sin"] * 1500
    assert (found[0].input[0], found[-1].output[0]) == ("x", "y")


def recurrent(classifier: Any, scheme: str) -> CompressedClassifier:
    """A recurrent network that reads an image of the digits row by row."""
    return of_rows(classifier, scheme, L.GRU(8, name="rows"))


def of_rows(classifier: Any, scheme: str, layer: Callable[[Any], Any]) -> CompressedClassifier:
    """A network with this layer on the rows of an image of the digits."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = L.Flatten()(layer(L.Reshape((8, 8))(image)))
    model = keras.Model(image, L.Dense(10, name="head")(x))
    return dataclasses.replace(classifier(scheme), model=model)


def backwards(rows: Any) -> Any:
    """An operation that TF.js does not have."""
    return tf.reverse_sequence(rows, tf.fill([tf.shape(rows)[0]], 5), seq_axis=1)


def test_a_format_that_cannot_represent_the_network_is_left_out(
    classifier: Any, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = export_classifier(of_rows(classifier, "float32", backwards), out)
    assert [artifact.format for artifact in open_bundle(out).manifest.artifacts] == ["tflite", "onnx"]
    assert list(summary.left_out) == ["tfjs"]
    reason = summary.left_out["tfjs"]
    assert "tfjs/model.json: it contains the operator ReverseSequence, which no bundle may" in reason
    assert f"tfjs is LEFT OUT of the bundle: {reason}" in caplog.text
    assert f"tfjs LEFT OUT: {reason}" in summary.lines()
    assert f"TF.js is left out, because it cannot represent this model: {reason}" in (
        out / "MODEL_CARD.md"
    ).read_text(encoding="utf-8")


def test_a_format_that_was_asked_for_is_an_error_if_it_cannot_represent_the_network(
    classifier: Any, out: Path
) -> None:
    with pytest.raises(ConversionError, match="the operator ReverseSequence"):
        export_classifier(of_rows(classifier, "float32", backwards), out, formats=["tflite", "tfjs"])
    assert not out.exists()


def test_a_loop_is_refused_before_a_bundle_is_written(classifier: Any, out: Path) -> None:
    network = recurrent(classifier, "float32")
    with pytest.raises(ConversionError, match=r"model\.tflite: .* the operator WHILE, .*unroll=True"):
        export_classifier(network, out)
    with pytest.raises(ConversionError, match=r"loops and branches.*unroll=True.*--formats tflite,onnx"):
        convert_classifier_tfjs(network.model, network.full.image_input, 1.0, "float32")
    assert not out.exists()


def test_a_converter_that_crashes_is_an_error_message(classifier: Any, out: Path) -> None:
    with pytest.raises(
        ConversionError, match=r"died of signal 11 \(segmentation fault\); use the scheme float16"
    ):
        export_classifier(
            dataclasses.replace(recurrent(classifier, "int8"), config=None), out, formats=["tflite"]
        )
    assert not out.exists()
