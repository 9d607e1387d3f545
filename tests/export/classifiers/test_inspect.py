"""`hanji inspect`: findings on model files, without executing what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf_keras
from onnx import TensorProto, helper, numpy_helper

from hanji.runtime.cli import main

L = tf_keras.layers


def found(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["inspect", str(path), "--json"]) == 0
    table: dict[str, Any] = json.loads(capsys.readouterr().out)
    return table


def keras_model(last: str = "softmax", units: int = 3) -> tf_keras.Model:
    image = tf_keras.Input((16, 16, 3))
    features = L.Conv2D(4, 3, activation="relu")(L.Rescaling(1 / 255)(image))
    return tf_keras.Model(image, L.Dense(units, activation=last)(L.GlobalAveragePooling2D()(features)))


def write_onnx(path: Path, head: str, *, scaled: bool = False) -> Path:
    kernel = np.ones((4, 3, 3, 3), np.float32)
    nodes = [helper.make_node("Mul", ["image", "factor"], ["scaled"])] if scaled else []
    nodes += [
        helper.make_node("Conv", ["scaled" if scaled else "image", "kernel"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
    ]
    if head:
        nodes.append(helper.make_node(head, ["d"], ["classes"]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("classes" if head else "d", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.float32([0.1]), "factor")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("Softmax", "probabilities"),
        ("Sigmoid", 'gives = "scores"'),
        ("Sigmoid", 'gives = "multi-label" with thresholds'),
        ("", 'estimates numbers ends alike: gives = "values"'),
        ("LogSoftmax", 'gives = "logits"'),
        ("", "probably logits"),
    ],
)
def test_onnx(head: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = found(write_onnx(tmp_path / "model.onnx", head), capsys)
    assert text in table["head"]
    assert table["layout"] == "channels first: 16 × 16 pixels, 3 channels"
    assert "ImageNet" in table["preprocessing"][0]
    assert table["operators"]["Conv"] == 1
    assert table["precision"] == "float32"
    assert any("hanji compress" in text for text in table["compression"])


def test_scaling_in_the_graph_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = found(write_onnx(tmp_path / "model.onnx", "Softmax", scaled=True), capsys)
    assert table["preprocessing"][0].startswith("scale = 1, probably: the graph begins with Mul")


@pytest.mark.parametrize("quantized", [False, True])
def test_tflite(quantized: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = keras_model()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantized:
        rng = np.random.default_rng(0)
        images = [rng.uniform(0, 255, (1, 16, 16, 3)).astype(np.float32) for _ in range(20)]
        images.append(np.full((1, 16, 16, 3), 255.0, np.float32))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image] for image in images)
        converter.inference_input_type = tf.uint8
    path = tmp_path / "model.tflite"
    path.write_bytes(converter.convert())
    table = found(path, capsys)
    assert "softmax" in table["head"]
    assert any(text.startswith("litert") for text in table["engines"])
    assert table["layout"].startswith("channels last: 16 × 16")
    if quantized:
        assert table["preprocessing"][0].startswith("values from 0 to 255: scale = 1")
        assert "no further compression" in table["compression"][1]
    else:
        assert table["preprocessing"][0].startswith("unknown")  # the scale is inside the first kernel
        assert any("float32" in text for text in table["obstacles"])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"model{suffix}"
    keras_model("sigmoid", 1).save(path)
    table = found(path, capsys)
    assert "one probability" in table["head"]
    assert table["preprocessing"] == ["scale = 1: it begins with Rescaling"]
    assert "every recipe" in table["compression"][0]
    assert not table["obstacles"]


def test_keras_with_several_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keras_model("sigmoid", 3).save(tmp_path / "model.keras")
    table = found(tmp_path / "model.keras", capsys)
    assert 'gives = "multi-label"' in table["head"]
    assert "the recipes without training, with --labels FILE" in table["compression"][0]


def test_keras_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    path = tmp_path / "model.keras"
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(image))).save(path)
    assert "Keras 3" in found(path, capsys)["format"]


def test_code_is_named_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.keras"
    image = tf_keras.Input((4, 4, 1))
    tf_keras.Model(image, L.Dense(2)(L.Flatten()(L.Lambda(lambda x: x)(image)))).save(path)
    assert "names the class Lambda" in found(path, capsys)["obstacles"][0]


def test_saved_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tf.saved_model.save(keras_model(), str(tmp_path / "saved"))
    table = found(tmp_path / "saved", capsys)
    assert table["format"] == "SavedModel"
    assert "[-1, 16, 16, 3] float" in table["inputs"][0]
    assert table["operators"]["Conv2D"] >= 1
    assert not table["obstacles"]


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(write_onnx(tmp_path / "model.onnx", "Softmax"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("format          onnx, float32, ")
    assert any(line.startswith("head            probabilities") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.pt2", b"PK", "torch.onnx.export"),
        ("model.onnx", b"damaged", "expected a TFLite file or a valid ONNX model"),
        ("model.tflite", b"damaged", "expected a TFLite file"),
        ("model.keras", b"damaged", "not a model saved by Keras"),
        ("model.h5", b"\x89HDF\r\n\x1a\n", "expected a model saved by Keras"),
    ],
)
def test_other_files(
    name: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["inspect", str(tmp_path / name)]) == 1
    assert message in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "missing.onnx")]) == 1
