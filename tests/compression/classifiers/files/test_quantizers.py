"""Post-training quantization of model files: both libraries, the choice between granularities, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
import tensorflow as tf
from ai_edge_litert.tools import flatbuffer_utils
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.files.onnx_preparation import prepared
from hanji.compression.classifiers.files.onnx_quantizer import OnnxQuantizer
from hanji.compression.classifiers.files.quantizer import Choice, FileQuantizer, FileScheme, Images
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.compression.classifiers.files.selection import FileSelection, Values
from hanji.compression.classifiers.files.tflite_quantizer import TfliteQuantizer
from hanji.training.errors import ConversionError

from .networks import SIZE, images, onnx_file, tflite_file

EVEN, UNEVEN = 1.0, 300.0


@dataclass(frozen=True)
class Format:
    """A file format: how the network is made, how it is quantized, and its input [n × one image]."""

    file: Callable[[float], bytes]
    quantizer: Callable[[bytes, str, Images], FileQuantizer]
    channels_first: bool

    def inputs(self, count: int = 64, seed: int = 0) -> Images:
        found = images(count, seed)
        return list((found.transpose(0, 3, 1, 2) if self.channels_first else found)[:, None])

    def of(self, spread: float) -> tuple[FileQuantizer, bytes]:
        content = self.file(spread)
        return self.quantizer(content, "model", self.inputs()), content

    def outputs(self, content: bytes, inputs: Images) -> Values:
        """The outputs of a file in its engine, float64 [n, classes]."""
        with TemporaryDirectory() as directory:
            path = Path(directory) / "model.onnx"
            path.write_bytes(content)
            model = read_model_file(path)
            rows = [next(iter(model.run(value).values())).ravel().copy() for value in inputs]
        return np.stack(rows).astype(np.float64)

    def selection(self, quantizer: FileQuantizer, content: bytes) -> FileSelection:
        inputs = self.inputs()
        return FileSelection(
            quantizer, self.outputs(content, inputs), lambda made: self.outputs(made, inputs), "model"
        )


FORMATS = {
    "onnx": Format(onnx_file, OnnxQuantizer, channels_first=True),
    "tflite": Format(tflite_file, TfliteQuantizer, channels_first=False),
}


@pytest.fixture(params=FORMATS)
def model_format(request: pytest.FixtureRequest) -> Format:
    return FORMATS[request.param]


@pytest.mark.parametrize(
    ("scheme", "largest"),
    [("float16", 0.003), ("int8-weights", 0.03), ("dynamic", 0.05), ("int8", 0.05), ("int16x8", 0.03)],
)
def test_answers_like_the_float_file(model_format: Format, scheme: FileScheme, largest: float) -> None:
    quantizer, content = model_format.of(EVEN)
    unseen = model_format.inputs(seed=5)
    found = model_format.outputs(quantizer.quantized(Choice(scheme)), unseen)
    expected = model_format.outputs(content, unseen)
    assert 0.0 < np.abs(found - expected).max() < largest
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-3)  # the softmax stays in float32


def test_chooses_a_scale_per_channel_where_channels_differ(model_format: Format) -> None:
    quantizer, content = model_format.of(UNEVEN)
    selection = model_format.selection(quantizer, content)
    best = selection.best("int8-weights")
    assert best.choice.per_channel
    assert best.loss.agreement >= 0.98
    with_one_scale = quantizer.quantized(Choice("int8-weights", per_channel=False))
    inputs = model_format.inputs()
    expected, found = model_format.outputs(content, inputs), model_format.outputs(with_one_scale, inputs)
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) < 0.95


def test_ranks_the_layer_that_loses_most_first(model_format: Format) -> None:
    quantizer, content = model_format.of(UNEVEN)
    ranking = model_format.selection(quantizer, content).ranking("int8-weights", per_channel=False)
    assert set(ranking) == set(quantizer.layers)
    assert list(ranking.values()) == sorted(ranking.values(), reverse=True)
    assert next(iter(ranking)) in quantizer.layers[:2]


def test_refuses_a_file_that_disagrees_and_its_hint_works(
    model_format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantizer, content = model_format.of(UNEVEN)
    original = quantizer.quantized

    def ruined(choice: Choice) -> bytes:
        """As if no engine had a kernel for scales per channel."""
        return original(Choice(choice.scheme, False, choice.float_layers, choice.only))

    monkeypatch.setattr(quantizer, "quantized", ruined)
    selection = model_format.selection(quantizer, content)
    with pytest.raises(ConversionError, match="float_layers in the recipe") as refusal:
        selection.best("int8-weights")
    named = [layer for layer in quantizer.layers if repr(layer) in str(refusal.value)]
    assert named
    assert selection.best("int8-weights", named).loss.agreement >= 0.95


def test_leaves_layers_in_float(model_format: Format) -> None:
    quantizer, content = model_format.of(EVEN)
    inputs = model_format.inputs()
    expected = model_format.outputs(content, inputs)
    kept = model_format.outputs(
        quantizer.quantized(Choice("int8-weights", float_layers=quantizer.layers)), inputs
    )
    np.testing.assert_allclose(kept, expected, atol=1e-6)


def test_names_a_layer_that_does_not_exist(model_format: Format) -> None:
    quantizer, content = model_format.of(EVEN)
    with pytest.raises(ConversionError, match=r"no layer 'conv' with weights; found "):
        model_format.selection(quantizer, content).best("int8", ["conv"])


def test_the_range_is_that_of_all_calibration_images(model_format: Format) -> None:
    """A moving average over the images would clip what only one of them reaches."""
    content = model_format.file(EVEN)
    inputs = model_format.inputs()
    bright = inputs[0] * 0.0 + 1.0
    quantizer = model_format.quantizer(content, "model", [bright, *(image * 0.1 for image in inputs)])
    found = model_format.outputs(quantizer.quantized(Choice("int8")), [bright])
    assert np.abs(found - model_format.outputs(content, [bright])).max() < 0.05


def test_a_file_without_weights_is_refused() -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Softmax", ["x"], ["y"])],
        "network",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])],
    )
    content = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ConversionError, match="convolutions or dense layers with float32 weights"):
        OnnxQuantizer(content.SerializeToString(), "model.onnx", [np.zeros((1, 4), np.float32)])


def test_an_old_opset_is_brought_up_to_date() -> None:
    quantizer = OnnxQuantizer(onnx_file(EVEN, opset=11), "model.onnx", FORMATS["onnx"].inputs())
    inputs = FORMATS["onnx"].inputs(8)
    found = FORMATS["onnx"].outputs(quantizer.quantized(Choice("int8")), inputs)
    assert np.abs(found - FORMATS["onnx"].outputs(onnx_file(EVEN), inputs)).max() < 0.05


def test_weights_are_rounded_to_the_grid_of_their_channel() -> None:
    quantizer = OnnxQuantizer(onnx_file(UNEVEN), "model.onnx", FORMATS["onnx"].inputs())
    made = onnx.load_from_string(quantizer.quantized(Choice("int8-weights")))
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in made.graph.initializer}
    levels, scale = stored["depthwise_0_int8"], stored["depthwise_0_scale"]
    assert levels.dtype == np.int8
    assert (np.abs(levels).max(axis=(1, 2, 3)) == 127).all()
    given = onnx.load_from_string(onnx_file(UNEVEN))
    kernel = next(each for each in given.graph.initializer if each.name == "depthwise")
    restored = levels * scale[:, None, None, None]
    assert (
        np.abs(restored - onnx.numpy_helper.to_array(kernel)) <= scale[:, None, None, None] / 2 * 1.001
    ).all()


@pytest.mark.parametrize("opset", [9, 13, 22])
def test_preparation_folds_batch_normalization_and_changes_no_answer(opset: int) -> None:
    """Constants as nodes, as some exporters write them; ONNX Runtime folds only those of some opsets."""
    helper, rng = onnx.helper, np.random.default_rng(0)
    kernel = rng.normal(0.0, 1.0, (4, 3, 3, 3)).astype(np.float32)
    names = ("scale", "bias", "mean", "variance")
    norm = [rng.uniform(0.5, 2.0, 4).astype(np.float32) for _ in names]
    constants = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value, name))
        for name, value in zip(("kernel", *names), (kernel, *norm), strict=True)
    ]
    nodes = [
        *constants,
        helper.make_node("Conv", ["image", "kernel"], ["a"]),
        helper.make_node("BatchNormalization", ["a", *names], ["b"], epsilon=0.1),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, 12, 12])],
        [helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, [1, 4, 10, 10])],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    content = content.SerializeToString()
    made = prepared(content)
    assert [node.op_type for node in made.graph.node] == ["Conv"]
    assert len(made.graph.initializer) == 2
    inputs = FORMATS["onnx"].inputs(2)
    found = FORMATS["onnx"].outputs(made.SerializeToString(), inputs)
    expected = FORMATS["onnx"].outputs(content, inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def converted(network: Callable[[tf.Tensor], tf.Tensor]) -> bytes:
    """A function of an image [1, 12, 12, 3] as a TFLite file."""
    traced = tf.function(network, input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3])])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()], traced)
    converter._experimental_disable_batchmatmul_unfold = True
    return bytes(converter.convert())


def test_large_weights_stay_inside_the_flatbuffer() -> None:
    """From 256 KiB on the library appends them to the file, where old engines do not look for them."""
    kernel = np.random.default_rng(0).normal(0, 0.1, (SIZE * SIZE * 3, 700)).astype(np.float32)
    content = converted(lambda image: tf.nn.relu(tf.reshape(image, [1, -1]) @ kernel))
    quantizer = TfliteQuantizer(content, "model", FORMATS["tflite"].inputs(8))
    made = schema.ModelT.InitFromPackedBuf(quantizer.quantized(Choice("int8")), 0)
    assert [buffer.offset for buffer in made.buffers] == [0] * len(made.buffers)
    assert max(len(buffer.data) for buffer in made.buffers if buffer.data is not None) >= kernel.size


def padded_pooling(image: tf.Tensor) -> tf.Tensor:
    """A maximum pooling as PyTorch pads it: with the lowest number."""
    kernel = np.random.default_rng(0).normal(0, 0.4, (3, 3, 3, 8)).astype(np.float32)
    padded = tf.pad(
        tf.nn.conv2d(image, kernel, 1, "SAME"), [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-3e38
    )
    return tf.reduce_mean(tf.nn.max_pool2d(padded, 3, 2, "VALID"), [1, 2])


def product_of_rank_3(image: tf.Tensor) -> tf.Tensor:
    """A last layer that stays a BATCH_MATMUL, as onnx2tf writes it."""
    rng = np.random.default_rng(0)
    kernel, head = rng.normal(0, 0.4, (3, 3, 3, 8)), rng.normal(0, 2, (1, 8, 4))
    means = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(image, kernel.astype(np.float32), 1, "SAME")), [1, 2])
    return tf.reshape(tf.matmul(means[:, None], head.astype(np.float32)), [1, 4])


def as_onnx2tf_writes(content: bytes, kind: str) -> bytes:
    """The file, in which an operator of the ``kind`` has to be, with the number that it pads with as [1]."""
    made = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = made.subgraphs[0]
    (operator,) = [
        each for each in graph.operators if flatbuffer_utils.opcode_to_name(made, each.opcodeIndex) == kind
    ]
    if kind == "PADV2":
        graph.tensors[operator.inputs[2]].shape = [1]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(made))


def test_tensors_need_no_names() -> None:
    """Files that hanji exports name only the ends."""
    tflite = FORMATS["tflite"]
    made = flatbuffer_utils.read_model_from_bytearray(bytearray(tflite.file(EVEN)))
    graph = made.subgraphs[0]
    for index, tensor in enumerate(graph.tensors):
        if index not in (*graph.inputs, *graph.outputs):
            tensor.name = None
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(made))
    quantized = TfliteQuantizer(content, "model", tflite.inputs()).quantized(Choice("int8"))
    inputs = tflite.inputs(16, seed=5)
    np.testing.assert_allclose(tflite.outputs(quantized, inputs), tflite.outputs(content, inputs), atol=0.1)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(
    ("network", "kind"), [(padded_pooling, "PADV2"), (product_of_rank_3, "BATCH_MATMUL")]
)
def test_operators_that_int8_would_ruin(
    network: Callable[[tf.Tensor], tf.Tensor], kind: str, per_channel: bool
) -> None:
    """A padding of the lowest number leaves no scale for others; LiteRT's products per channel are zeros."""
    content, tflite = as_onnx2tf_writes(converted(network), kind), FORMATS["tflite"]
    quantized = TfliteQuantizer(content, "model", tflite.inputs()).quantized(Choice("int8", per_channel))
    inputs = tflite.inputs(16, seed=5)
    expected, found = tflite.outputs(content, inputs), tflite.outputs(quantized, inputs)
    assert np.abs(found - expected).max() < 0.1 * np.ptp(expected)
