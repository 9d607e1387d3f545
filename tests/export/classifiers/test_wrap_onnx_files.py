"""`hanji bundle` of ONNX files as tools write them: other files with weights, versions, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.runtime import Classifier
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.settings import settings_from

from .wrap_models import HEIGHT, WIDTH, Network, image, onnx_model, saved, softmax

LABELS = ClassNames("labels.txt", ("a", "b", "c"))
NETWORK = Network()


def wrap(path: Path, out: Path, **table: Any) -> Any:
    settings = settings_from(WrapSettings, {"scale": 1 / 255, **table}, "p.toml")
    (artifact,) = wrap_model(path, out, labels=LABELS, settings=settings).artifacts
    return artifact


def expect(bundle: Path, network: Network = NETWORK) -> None:
    with Classifier.open(bundle) as classifier:
        assert classifier.self_test().passed
        np.testing.assert_allclose(
            classifier.probabilities(image()), softmax(network.logits(image() / 255)), atol=1e-5
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path / "model" / "model.onnx"


def with_weights_beside(path: Path) -> None:
    onnx.save(onnx_model(NETWORK), path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def relocate(path: Path, location: str) -> None:
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    saved(model, path)


def test_weights_of_other_files_are_put_into_the_file(path: Path, out: Path) -> None:
    with_weights_beside(path)
    artifact = wrap(path, out)
    expect(out)
    assert artifact.parity.checked
    assert "the weights of other files were put into it" in (out / "MODEL_CARD.md").read_text()
    assert sorted(file.name for file in out.glob("*.onnx")) == ["model.onnx"]
    assert NETWORK.kernel.tobytes() in (out / "model.onnx").read_bytes()


@pytest.mark.parametrize("where", ["../weights.bin", "/{root}/weights.bin", "sub/../../weights.bin"])
def test_weights_outside_of_the_folder_are_refused(path: Path, out: Path, where: str) -> None:
    with_weights_beside(path)
    (path.parent / "weights.bin").rename(path.parent.parent / "weights.bin")
    relocate(path, where.replace("{root}", str(path.parent.parent)))
    with pytest.raises(ConversionError, match="expected its weights in the model's own folder"):
        wrap(path, out)


def test_a_link_to_weights_elsewhere_is_refused(path: Path, out: Path) -> None:
    with_weights_beside(path)
    (path.parent / "weights.bin").rename(path.parent.parent / "weights.bin")
    (path.parent / "weights.bin").symlink_to(path.parent.parent / "weights.bin")
    with pytest.raises(ConversionError, match="expected its weights in the model's own folder"):
        wrap(path, out)


def test_missing_weights_are_a_clear_error(path: Path, out: Path) -> None:
    with_weights_beside(path)
    (path.parent / "weights.bin").unlink()
    with pytest.raises(ConversionError, match="copy the files that belong to the model next to it"):
        wrap(path, out)


@pytest.mark.parametrize("version", [onnx.IR_VERSION, 99])
def test_an_ir_version_beyond_the_engine_is_lowered(path: Path, out: Path, version: int) -> None:
    saved(onnx_model(NETWORK, ir_version=version), path)
    wrap(path, out)
    expect(out)
    assert onnx.load(out / "model.onnx").ir_version == 8
    assert f"its IR version was lowered from {version} to 8" in (out / "MODEL_CARD.md").read_text()


def test_an_opset_beyond_the_engine_is_a_clear_error(path: Path, out: Path) -> None:
    saved(onnx_model(NETWORK, opset=99), path)
    with pytest.raises(ConversionError, match="expected a model that ONNX Runtime loads, but it failed"):
        wrap(path, out)


@pytest.mark.parametrize("opset", [22, 23])
def test_outputs_without_a_shape(path: Path, out: Path, opset: int) -> None:
    saved(onnx_model(NETWORK, output=None, opset=opset, ir_version=10), path)
    artifact = wrap(path, out)
    expect(out)
    assert not artifact.parity.checked
    assert artifact.signatures["classify"].outputs[0].shape == (1, 3)


@pytest.mark.parametrize("first", [True, False])
def test_a_file_of_the_first_versions(path: Path, out: Path, first: bool) -> None:
    """Before IR version 4, initializers are inputs as well."""
    network = Network(first=first)
    model = onnx_model(network, output=(1, 3, 1, 1), opset=9, ir_version=3)
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    # Softmax flattened its input to two dimensions at that time, which is the same for [1, classes].
    wrap(saved(model, path), out)
    expect(out, network)


def test_names_that_are_taken(path: Path, out: Path) -> None:
    network = Network(first=True)
    model = onnx_model(network, output=(1, 3, 1, 1))
    for node in model.graph.node:
        node.input[:] = [{"real": "image", "logits": "probabilities"}.get(name, name) for name in node.input]
        node.output[:] = [
            {"real": "image", "logits": "probabilities"}.get(name, name) for name in node.output
        ]
    artifact = wrap(saved(model, path), out)
    expect(out, network)
    signature = artifact.signatures["classify"]
    assert (signature.inputs[0].name, signature.outputs[0].name) == ("image_1", "probabilities_1")


def test_a_quantized_file_with_channels_first(path: Path, out: Path) -> None:
    """QuantizeLinear and DequantizeLinear inside, float32 outside."""
    network = Network(first=True)
    model = onnx_model(network)
    constants = {"scale": np.float32(1 / 255), "zero": np.uint8(0)}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v), k) for k, v in constants.items())
    model.graph.node[0].input[0] = "dequantized"
    model.graph.node.insert(
        0, helper.make_node("DequantizeLinear", ["levels", "scale", "zero"], ["dequantized"])
    )
    model.graph.node.insert(0, helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["levels"]))
    wrap(saved(model, path), out)
    expect(out, network)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("first", [False, True])
def test_integers_with_the_scale_in_the_graph(path: Path, out: Path, first: bool, dtype: Any) -> None:
    """DequantizeLinear takes the input, QuantizeLinear gives the output."""
    network = Network(first=first)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model = onnx_model(network, dtype=kind)
    zero = np.iinfo(dtype).min
    constants = {"scale": np.float32(1 / 255), "zero": dtype(zero)}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v), k) for k, v in constants.items())
    model.graph.node[0].CopyFrom(helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]))
    model.graph.node.append(helper.make_node("QuantizeLinear", ["found", "scale", "zero"], ["levels"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("levels", kind, [1, 3]))
    artifact = wrap(saved(model, path), out)
    signature = artifact.signatures["classify"]
    assert [tensor.scale for tensor in (*signature.inputs, *signature.outputs)] == pytest.approx(
        [1 / 255] * 2
    )
    assert [tensor.zero_point for tensor in (*signature.inputs, *signature.outputs)] == [zero, zero]
    with Classifier.open(out) as classifier:
        found = classifier.probabilities(image())
    np.testing.assert_allclose(found, softmax(network.logits(image() / 255)), atol=0.51 / 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_one_quantized_value_for_two_classes(path: Path, out: Path, dtype: Any) -> None:
    network, kind = Network(outputs=1), helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model = onnx_model(network, output=(1, 1), activation="Sigmoid")
    constants = {"scale": np.float32(1 / 255), "zero": dtype(np.iinfo(dtype).min)}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v), k) for k, v in constants.items())
    model.graph.node.append(helper.make_node("QuantizeLinear", ["found", "scale", "zero"], ["levels"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("levels", kind, [1, 1]))
    settings = settings_from(WrapSettings, {"scale": 1 / 255}, "p.toml")
    wrap_model(saved(model, path), out, labels=ClassNames("labels.txt", ("a", "b")), settings=settings)
    second = 1 / (1 + np.exp(-network.logits(image() / 255)[0]))
    with Classifier.open(out) as classifier:
        assert classifier.probabilities(image()) == pytest.approx([1 - second, second], abs=0.51 / 255)


def test_int16_with_the_scale_in_the_graph(path: Path, out: Path) -> None:
    """The runtimes give float32, which is quantized inside the file."""
    network = Network(first=True)
    model = onnx_model(network, dtype=TensorProto.INT16, opset=21, ir_version=10)
    constants = {"scale": np.float32(1 / 30000), "zero": np.int16(0)}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v), k) for k, v in constants.items())
    model.graph.node[0].CopyFrom(helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]))
    artifact = wrap(saved(model, path), out)
    assert artifact.signatures["classify"].inputs[0].dtype == "float32"
    with Classifier.open(out) as classifier:
        expected = softmax(network.logits(image() / 255))
        np.testing.assert_allclose(classifier.probabilities(image()), expected, atol=1e-3)


def test_an_input_that_no_device_prepares_is_refused(path: Path, out: Path) -> None:
    node = helper.make_node("GlobalAveragePool", ["x"], ["found"])
    graph = helper.make_graph(
        [node],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5000, 5000])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 3, 1, 1])],
    )
    saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(
        RecipeError, match="expected an input of at most 4096 × 4096 pixels, found 5000 × 5000"
    ):
        wrap(path, out)


def test_integers_without_a_scale_are_scores(path: Path, out: Path) -> None:
    model = onnx_model(NETWORK, activation="")
    model.graph.node.append(helper.make_node("Cast", ["found"], ["rounded"], to=TensorProto.INT64))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("rounded", TensorProto.INT64, [1, 3]))
    wrap(saved(model, path), out, gives="scores")
    with Classifier.open(out) as classifier:
        expected = np.trunc(NETWORK.logits(image() / 255))
        assert classifier.probabilities(image()).tolist() == expected.tolist()


def test_a_batch_of_any_size_stays(path: Path, out: Path) -> None:
    saved(onnx_model(NETWORK, shape=("n", HEIGHT, WIDTH, 3), output=("n", 3)), path)
    artifact = wrap(path, out)
    expect(out)
    signature = artifact.signatures["classify"]
    assert signature.inputs[0].shape == (None, HEIGHT, WIDTH, 3)
    assert signature.outputs[0].shape == (None, 3)
    assert (out / "model.onnx").read_bytes() == path.read_bytes()
