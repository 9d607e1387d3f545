"""`hanji bundle` of models in other layouts and dtypes: right answers, or one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.runtime import Classifier
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.settings import settings_from

from .wrap_models import HEIGHT, WIDTH, Network, image, onnx_model, saved, softmax, tflite_model

LABELS = ClassNames("labels.txt", ("a", "b", "c"))
TWO = ClassNames("labels.txt", ("cat", "dog"))
SCALED = {"scale": 1 / 255, "mean": [0.5], "std": [0.25]}
SIZE = {"height": HEIGHT, "width": WIDTH}


def wrap(path: Path, out: Path, labels: ClassNames = LABELS, **table: Any) -> Any:
    (artifact,) = wrap_model(
        path, out, labels=labels, settings=settings_from(WrapSettings, table, "p.toml")
    ).artifacts
    return artifact


def answers(bundle: Path, channels: int = 3) -> Any:
    with Classifier.open(bundle) as classifier:
        assert classifier.self_test().passed
        return classifier.probabilities(image(channels))


def expect(bundle: Path, network: Network, tolerance: float = 1e-5) -> None:
    """The bundle answers as the network does in numpy."""
    values = (image(network.channels) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(
        answers(bundle, network.channels), softmax(network.logits(values)), atol=tolerance
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    return tmp_path / "model.tflite"


@pytest.mark.parametrize("output", [(1, 3), (1, 3, 1, 1), (1, 1, 1, 3), (3,), (3, 1)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("first", [False, True])
def test_onnx_layouts(path: Path, out: Path, first: bool, channels: int, output: Any) -> None:
    network = Network(channels, first=first)
    artifact = wrap(saved(onnx_model(network, output=output), path), out, **SCALED)
    expect(out, network)
    signature = artifact.signatures["classify"]
    assert signature.inputs[0].shape == (1, HEIGHT, WIDTH, channels)
    assert signature.outputs[0].shape == (1, 3)
    unchanged = not first and output == (1, 3)
    assert artifact.parity.checked is not unchanged
    assert ((out / "model.onnx").read_bytes() == path.read_bytes()) is unchanged


@pytest.mark.parametrize(("first", "output"), [(True, (1, 3)), (False, (1, 1, 1, 3)), (True, (3,))])
def test_tflite_layouts(lite: Path, out: Path, first: bool, output: Any) -> None:
    network = Network(first=first)
    lite.write_bytes(tflite_model(network, output=output))
    artifact = wrap(lite, out, **SCALED)
    expect(out, network)
    assert artifact.parity.top1_agreement == artifact.parity.minimum_top1_agreement == 1.0
    assert artifact.parity.images == 32
    with Classifier.open(out, engine="litert") as classifier:
        assert classifier.manifest.artifacts[0].signatures["classify"].outputs[0].shape == (1, 3)


def test_the_card_and_the_manifest_say_what_was_changed(lite: Path, out: Path) -> None:
    lite.write_bytes(tflite_model(Network(first=True), output=(1, 3, 1, 1)))
    wrap(lite, out, **SCALED)
    card = (out / "MODEL_CARD.md").read_text()
    assert "a Transpose was inserted, as the original takes channels first (NCHW)" in card
    assert r"a reshape to \[1, 3\] was inserted" in card
    assert "same best class as the original file for 1.000 of 32 images" in card
    parity = json.loads((out / "manifest.json").read_text())["artifacts"][0]["parity"]
    assert (
        parity["checked"] and parity["images"] == 32 and parity["max_abs_error"] <= parity["score_tolerance"]
    )


@pytest.mark.parametrize("shape", [(3, HEIGHT, WIDTH), ("c", "h", "w"), ("n", "c", "h", "w"), None])
def test_symbolic_sizes(path: Path, out: Path, shape: Any) -> None:
    """The network tells the layout: a convolution takes channels first."""
    kernel = np.random.default_rng(2).normal(0, 1, (3, 3, HEIGHT, WIDTH)).astype(np.float32)
    four = shape is None or len(shape) == 4
    nodes = [
        helper.make_node("Reshape", ["x", "sizes"], ["batch"]),
        helper.make_node("Conv", ["x" if four else "batch", "kernel"], ["maps"]),
        helper.make_node("Flatten", ["maps"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes[1:] if four else nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([1, 3, HEIGHT, WIDTH]), "sizes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    saved(model, path)
    if shape != (3, HEIGHT, WIDTH):
        with pytest.raises(RecipeError, match="set height and width in the preprocessing file"):
            wrap(path, out, **SCALED)
    more = {"layout": "channels-first", "channels": 3} if shape == ("c", "h", "w") else {}
    wrap(path, out, **SCALED, **({} if shape == (3, HEIGHT, WIDTH) else SIZE), **more)
    values = np.moveaxis((image() / 255 - 0.5) / 0.25, 2, 0)
    expected = softmax((kernel.astype(np.float64) * values).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(answers(out), expected, atol=1e-5)


def test_a_layout_that_the_engine_does_not_decide_is_asked_for(path: Path, out: Path) -> None:
    saved(onnx_model(Network(first=True), shape=("n", "c", "h", "w")), path)
    with pytest.raises(RecipeError, match=r'set layout = "channels-first".* or layout = "channels-last"'):
        wrap(path, out, **SCALED, **SIZE)
    wrap(path, out, **SCALED, **SIZE, layout="channels-first")
    expect(out, Network(first=True))
    with pytest.raises(RecipeError, match=r"channels: expected 3, as the model requires, found 1"):
        wrap(saved(onnx_model(Network()), path), out, **SCALED, channels=1)
    with pytest.raises(RecipeError, match="layout: expected one that the input"):
        wrap(path, out, **SCALED, layout="channels-first")


def test_the_number_of_channels_is_asked_for(path: Path, out: Path) -> None:
    node = helper.make_node("ReduceMax", ["x"], ["most"], axes=[1, 2, 3], keepdims=0)
    nodes = [node, helper.make_node("Mul", ["most", "kernel"], ["found"])]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, HEIGHT, WIDTH, "c"])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.array([[1.0, 2.0, 3.0]], np.float32), "kernel")],
    )
    saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(RecipeError, match=r"set channels = 1 or channels = 3"):
        wrap(path, out, gives="logits")
    wrap(path, out, gives="logits", channels=1)
    assert answers(out, 1) == pytest.approx(softmax(image(1).max() * np.array([1.0, 2.0, 3.0])))


def test_tflite_with_any_size_gets_a_fixed_one(lite: Path, out: Path) -> None:
    lite.write_bytes(tflite_model(Network(), shape=[None, None, None, 3]))
    with pytest.raises(RecipeError, match="the model accepts any input size; set height and width"):
        wrap(lite, out, **SCALED)
    wrap(lite, out, **SCALED, **SIZE)
    expect(out, Network())
    assert "its input has a fixed size" in (out / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_onnx_of_other_float_dtypes(path: Path, out: Path, dtype: int) -> None:
    saved(onnx_model(Network(first=True), dtype=dtype), path)
    artifact = wrap(path, out, **SCALED)
    expect(out, Network(first=True), tolerance=5e-3)
    signature = artifact.signatures["classify"]
    assert signature.inputs[0].dtype == signature.outputs[0].dtype == "float32"


@pytest.mark.parametrize(
    "dtype", [TensorProto.INT64, TensorProto.UINT8, TensorProto.INT16, TensorProto.INT32]
)
@pytest.mark.parametrize("first", [False, True])
def test_onnx_of_pixel_values(path: Path, out: Path, dtype: int, first: bool) -> None:
    network = Network(first=first)
    saved(onnx_model(network, dtype=dtype, activation=""), path)
    with pytest.raises(RecipeError, match=r"takes pixel values 0 to 255.*leave scale, mean and std out"):
        wrap(path, out, **SCALED, gives="logits")
    artifact = wrap(path, out, gives="logits", temperature=100.0)
    np.testing.assert_allclose(answers(out), softmax(network.logits(image()) / 100), atol=1e-5)
    kept = {TensorProto.INT32: "int32"}.get(dtype, "uint8")
    assert artifact.signatures["classify"].inputs[0].dtype == kept


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int64])
def test_tflite_of_pixel_values(lite: Path, out: Path, dtype: Any) -> None:
    network = Network(first=True)
    lite.write_bytes(tflite_model(network, dtype=dtype, activation=""))
    wrap(lite, out, gives="logits", temperature=100.0)
    np.testing.assert_allclose(answers(out), softmax(network.logits(image()) / 100), atol=1e-5)


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int8, tf.int16])
def test_quantized_tflite_with_channels_first(lite: Path, out: Path, dtype: Any) -> None:
    def samples() -> Any:
        rng = np.random.default_rng(0)
        for _ in range(20):
            yield [rng.uniform(-2, 2, (1, 3, HEIGHT, WIDTH)).astype(np.float32)]

    ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    network = Network(first=True)
    lite.write_bytes(
        tflite_model(
            network,
            output=(1, 3, 1, 1),
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=samples,
            inference_input_type=dtype,
            inference_output_type=dtype,
            **({"target_spec": tf.lite.TargetSpec(supported_ops=[ops])} if dtype == tf.int16 else {}),
        )
    )
    artifact = wrap(lite, out, **SCALED)
    expect(out, network, tolerance=0.1)
    kept = "float32" if dtype == tf.int16 else dtype.name
    assert [tensor.dtype for tensor in artifact.signatures["classify"].inputs] == [kept]
    assert artifact.parity.max_abs_error == 0.0


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_bgr_with_mean_and_std_in_the_order_of_the_model(
    tmp_path: Path, out: Path, kind: str, first: bool
) -> None:
    network, path = Network(first=first), tmp_path / f"model.{kind}"
    path.write_bytes(tflite_model(network) if kind == "tflite" else onnx_model(network).SerializeToString())
    blue_first = {"scale": 1.0, "mean": [103.939, 116.779, 123.68], "std": [57.0, 58.0, 59.0]}
    wrap(path, out, **blue_first, channel_order="bgr")
    values = (image()[:, :, ::-1] - np.array(blue_first["mean"])) / np.array(blue_first["std"])
    np.testing.assert_allclose(answers(out), softmax(network.logits(values)), atol=1e-5)
    picture = json.loads((out / "manifest.json").read_text())["picture"]
    assert picture["mean"] == [123.68, 116.779, 103.939]
    assert picture["std"] == [59.0, 58.0, 57.0]


def test_bgr_needs_three_channels(path: Path, out: Path) -> None:
    with pytest.raises(
        RecipeError, match="channel_order: expected a model with 3 channels, found 1; leave it out"
    ):
        wrap(saved(onnx_model(Network(1)), path), out, **SCALED, channel_order="bgr")


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("output", [(1, 1), (1,), (1, 1, 1, 1)])
def test_one_value_is_that_of_the_second_class(tmp_path: Path, out: Path, kind: str, output: Any) -> None:
    network, path = Network(outputs=1), tmp_path / f"model.{kind}"

    def write(activation: str) -> None:
        path.write_bytes(
            tflite_model(network, output=output, activation=activation.lower())
            if kind == "tflite"
            else onnx_model(network, output=output, activation=activation).SerializeToString()
        )

    logit = float(network.logits((image() / 255 - 0.5) / 0.25)[0])
    write("Sigmoid")
    wrap(path, out, TWO, **SCALED)
    second = 1 / (1 + np.exp(-logit))
    assert answers(out) == pytest.approx([1 - second, second], abs=1e-5)
    with pytest.raises(
        RecipeError, match=r"found 1; the model gives one value.*put the name of the other class"
    ):
        wrap(path, out, ClassNames("labels.txt", ("dog",)), **SCALED)
    assert "the first label is the class of 0, the second that of 1" in (out / "MODEL_CARD.md").read_text()
    write("")
    wrap_model(
        path,
        out,
        labels=TWO,
        settings=settings_from(WrapSettings, {**SCALED, "gives": "logits", "temperature": 2.0}, "p.toml"),
    )
    second = 1 / (1 + np.exp(-logit / 2))
    assert answers(out) == pytest.approx([1 - second, second], abs=1e-5)


def test_a_named_output_is_used(path: Path, out: Path) -> None:
    saved(onnx_model(Network(), extra=("logits",)), path)
    wrap(path, out, **SCALED)  # of the two, only one can be probabilities
    expect(out, Network())
    assert "of its 2 outputs, only 'found' is kept" in (out / "MODEL_CARD.md").read_text()
    wrap_model(
        path,
        out,
        labels=LABELS,
        settings=settings_from(WrapSettings, {**SCALED, "gives": "logits", "output": "logits"}, "p.toml"),
    )
    expect(out, Network())
    with pytest.raises(
        RecipeError, match=r"output: expected one of 'found' \[1, 3\] float32, 'logits' .*'nothing'"
    ):
        wrap(path, out.with_name("more"), **SCALED, output="nothing")


def test_outputs_that_may_all_be_classes_are_listed(path: Path, out: Path) -> None:
    saved(onnx_model(Network(), extra=("logits",)), path)
    with pytest.raises(RecipeError, match=r"found 2 of 'found'.*'logits'.*such as output = \"found\""):
        wrap(path, out, **SCALED, gives="scores")
    wrap(path, out, **SCALED, gives="scores", output="found")


def test_outputs_of_another_number_of_classes_are_listed(path: Path, out: Path) -> None:
    saved(onnx_model(Network(), extra=("logits", "flat")), path)
    with pytest.raises(
        ConversionError, match=r"for each of 2 labels, found 'found' \[1, 3\].*'flat' \[1, 72\]"
    ):
        wrap(path, out, TWO, **SCALED)
    wrap(path, out, LABELS, **SCALED, output="found")
    expect(out, Network())


def two_inputs() -> onnx.ModelProto:
    model = onnx_model(Network())
    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, [1, 1]))
    return model


def of_strings() -> onnx.ModelProto:
    nodes = [helper.make_node("Identity", ["names"], ["found"])]
    constant = helper.make_tensor("names", TensorProto.STRING, [1, 3], [b"a", b"b", b"c"])
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info("found", TensorProto.STRING, [1, 3])],
        [constant],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def of_index(keepdims: int = 0) -> onnx.ModelProto:
    model = onnx_model(Network())
    model.graph.node.append(helper.make_node("ArgMax", ["found"], ["best"], axis=1, keepdims=keepdims))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("best", TensorProto.INT64, None))
    return model


def of_bfloat16() -> onnx.ModelProto:
    model = onnx_model(Network())
    model.graph.node.append(helper.make_node("Cast", ["found"], ["half"], to=TensorProto.BFLOAT16))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("half", TensorProto.BFLOAT16, [1, 3]))
    return model


def of_shape(*shape: int) -> onnx.ModelProto:
    """A model that accepts an input of any shape."""
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "kernel"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.array([[1.0, 2.0, 3.0]], np.float32), "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def of_nothing() -> onnx.ModelProto:
    model = onnx_model(Network())
    for name, value in {"start": [0], "axes": [1]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    model.graph.node.append(helper.make_node("Slice", ["found", "start", "start", "axes"], ["none"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("none", TensorProto.FLOAT, None))
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_inputs, r"expected one input, an image, found 2 inputs: 'x' \[1, 6, 4, 3\], 'age' \[1, 1\]"),
        (of_strings, r"model\.onnx: it computes with text, which no bundle may"),
        (of_index, r"the index of the best class \(ArgMax\); export the model with the values"),
        (lambda: of_index(1), r"the index of the best class \(ArgMax\)"),
        (of_bfloat16, r"and dtype bfloat16; export the model with .* in float32"),
        (of_nothing, r"shape \[1, 0\], which is not one list of values"),
        (
            lambda: of_shape(4, HEIGHT, WIDTH, 3),
            r"'x' of shape \[4, 6, 4, 3\]; export the model again for one image, a batch of 1",
        ),
        (lambda: of_shape(1, 1, HEIGHT, WIDTH, 3), r"of shape \[1, 1, 6, 4, 3\]"),
        (lambda: of_shape(1, 0, WIDTH, 3), r"of shape \[1, 0, 4, 3\]"),
        (lambda: of_shape(1, HEIGHT * WIDTH * 3), r"of shape \[1, 72\]"),
        (of_shape, r"of shape \[\]"),
        (
            lambda: onnx_model(Network(), dtype=TensorProto.BFLOAT16),
            r"the input 'x' of dtype bfloat16; convert it to float32 or float16",
        ),
        (lambda: onnx_model(Network(), dtype=TensorProto.BOOL), r"the input 'x' of dtype bool"),
        (lambda: onnx_model(Network(), dtype=TensorProto.INT8), "expected a scale and a zero point"),
        (lambda: onnx_model(Network(outputs=4), output=(2, 2)), "which is not one list of values"),
    ],
)
def test_other_onnx_models_are_refused(path: Path, out: Path, model: Any, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        wrap(saved(model(), path), out, **SCALED)
    assert not out.exists()


def converted(answers: Any, shape: list[int | None], dtype: Any = tf.float32) -> bytes:
    function = tf.function(answers, input_signature=[tf.TensorSpec(shape, dtype)])
    return bytes(
        tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]).convert()
    )


def network_of(network: Network) -> Any:
    return lambda x: tf.nn.softmax(tf.reshape(tf.cast(x, tf.float32), [1, -1]) @ network.kernel)


COLOUR, GREY, FIRST = Network(), Network(1), Network(1, first=True)
FOUND = network_of(COLOUR)


@pytest.mark.parametrize(
    ("content", "network"),
    [
        (lambda: converted(FOUND, [1, HEIGHT, WIDTH, 3], tf.float64), COLOUR),
        (lambda: converted(FOUND, [HEIGHT, WIDTH, 3]), COLOUR),
        (lambda: converted(network_of(GREY), [1, HEIGHT, WIDTH]), GREY),
        (
            lambda: converted(network_of(Network(1, first=True)), [1, 1, HEIGHT, WIDTH]),
            Network(1, first=True),
        ),
        (lambda: converted(lambda x: tf.transpose(FOUND(x)), [1, HEIGHT, WIDTH, 3]), COLOUR),
        (lambda: converted(lambda x: tf.cast(FOUND(x), tf.float64), [1, HEIGHT, WIDTH, 3]), COLOUR),
        (lambda: converted(lambda x: (FOUND(x), tf.argmax(FOUND(x), 1)), [1, HEIGHT, WIDTH, 3]), COLOUR),
        (lambda: converted(lambda x: (tf.reduce_sum(x), FOUND(x), 2 * x), [1, HEIGHT, WIDTH, 3]), COLOUR),
    ],
)
def test_tflite_siblings(lite: Path, out: Path, content: Any, network: Network) -> None:
    lite.write_bytes(content())
    wrap(lite, out, **SCALED)
    expect(out, network)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: converted(lambda x: tf.argmax(FOUND(x), 1), [1, HEIGHT, WIDTH, 3]), "best class"),
        (lambda: converted(lambda x: FOUND(x) > 0.5, [1, HEIGHT, WIDTH, 3]), "dtype bool"),
        (lambda: converted(lambda x: tf.math.log(-FOUND(x)), [1, HEIGHT, WIDTH, 3]), "found NaN or infinity"),
        (lambda: converted(FOUND, [1, 1, HEIGHT, WIDTH, 3]), "a batch of 1"),
        (lambda: converted(lambda x: FOUND(x[0]), [4, HEIGHT, WIDTH, 3]), "a batch of 1"),
    ],
)
def test_other_tflite_models_are_refused(lite: Path, out: Path, content: Any, message: str) -> None:
    lite.write_bytes(content())
    with pytest.raises(ConversionError, match=message):
        wrap(lite, out, **SCALED)
    assert not out.exists()
