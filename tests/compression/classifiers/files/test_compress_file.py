"""`hanji compress` of .onnx and .tflite files, and `hanji export` of the result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from hanji.compression.classifiers.files.compress_file import compress_model_file
from hanji.compression.classifiers.files.compressed_file import load_compressed_file, save_compressed_file
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.export.classifiers.wrap.compressed import bundle_compressed_file
from hanji.runtime import Classifier
from hanji.runtime.cli import main
from hanji.training.errors import ConversionError, DataError, RecipeError

from .networks import CLASSES, onnx_file, tflite_file

SETTINGS = WrapSettings(scale=1 / 255)
MADE = {"onnx": onnx_file, "tflite": tflite_file}


def recipe(scheme: str = "int8", **options: object) -> ImageRecipe:
    table = {"type": "quantize", "scheme": scheme, "calibration_images": 60, **options}
    return ImageRecipe.from_tables(scheme, [table], "test")


@pytest.fixture(params=MADE)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"model.{request.param}"
    path.write_bytes(MADE[request.param](1.0))
    return path


@pytest.mark.parametrize("scheme", ["int8", "int16x8", "dynamic", "int8-weights", "float16"])
def test_a_bundle_answers_like_the_original(model: Path, scheme: str, folder: Path, tmp_path: Path) -> None:
    compressed = compress_model_file(model, recipe(scheme), folder, settings=SETTINGS)
    assert compressed.labels.labels == tuple(f"class {index}" for index in range(CLASSES))
    assert compressed.agreement >= 0.95
    assert compressed.compared == 100
    save_compressed_file(compressed, tmp_path / "out")
    loaded = load_compressed_file(tmp_path / "out")
    assert loaded.model == compressed.model
    assert loaded.original == model.read_bytes()
    summary = bundle_compressed_file(loaded, tmp_path / "bundle")
    (artifact,) = summary.artifacts
    assert artifact.format == model.suffix.removeprefix(".")
    assert artifact.parity.top1_agreement >= 0.95
    assert artifact.parity.minimum_top1_agreement == 0.95
    with Classifier.open(tmp_path / "bundle") as classifier:
        assert classifier.self_test().passed
        assert classifier.manifest.recipe.name == scheme


def test_the_command_line(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, bundle = str(tmp_path / "out"), str(tmp_path / "bundle")
    arguments = ["compress", str(model), "--recipe", "int8", "--data", str(folder), "--scale", "1/255"]
    assert main([*arguments, "--out", out]) == 0
    assert "hanji export" in capsys.readouterr().out
    assert main(["export", out, "--out", bundle]) == 0
    assert "same best class as the original file for" in capsys.readouterr().out
    assert "quantized to int8 after training" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert main(["export", out, "--out", bundle, "--formats", "tflite"]) == 1
    assert "leave it out" in capsys.readouterr().err


def test_labels_of_a_folder_without_classes(model: Path, folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in folder.rglob("*.png"):
        (flat / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match="one sub-folder per class"):
        compress_model_file(model, recipe(), flat, settings=SETTINGS)
    labels = ClassNames("labels.txt", ("a", "b", "c", "d"))
    assert compress_model_file(model, recipe(), flat, settings=SETTINGS, labels=labels).labels == labels
    with pytest.raises((RecipeError, ConversionError), match=r"labels"):
        compress_model_file(model, recipe(), flat, settings=SETTINGS, labels=ClassNames("x", ("a", "b")))


def test_layers_stay_in_float(model: Path, folder: Path) -> None:
    plain = compress_model_file(model, recipe(), folder, settings=SETTINGS)
    with pytest.raises(ConversionError, match=r"no layer 'nothing' with weights; found ") as refusal:
        compress_model_file(model, recipe(float_layers=["nothing"]), folder, settings=SETTINGS)
    layers = str(refusal.value).split("found ")[1].split(", ")
    kept = compress_model_file(model, recipe(float_layers=layers[:1]), folder, settings=SETTINGS)
    assert len(kept.model) != len(plain.model)
    assert kept.recipe.quantization.float_layers == (layers[0],)


@pytest.mark.parametrize("scheme", ["int8-qat"])
def test_recipes_that_train_are_refused(scheme: str, model: Path, folder: Path) -> None:
    with pytest.raises(RecipeError, match=r"no layers to train; .* use the recipe int8"):
        compress_model_file(model, recipe(scheme), folder, settings=SETTINGS)


def test_a_quantized_file_is_not_quantized_again(model: Path, folder: Path, tmp_path: Path) -> None:
    made = compress_model_file(model, recipe(), folder, settings=SETTINGS)
    path = tmp_path / f"again{model.suffix}"
    path.write_bytes(made.model)
    with pytest.raises(ConversionError, match="expected a float32 file, found one with int8 weights"):
        compress_model_file(path, recipe(), folder, settings=SETTINGS)


def test_few_images_are_used_for_both(
    model: Path, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for index in range(CLASSES):
        source = next((folder / f"class {index}").iterdir())
        target = tmp_path / "few" / f"class {index}" / source.name
        target.parent.mkdir(parents=True)
        target.write_bytes(source.read_bytes())
    made = compress_model_file(model, recipe(), tmp_path / "few", settings=SETTINGS)
    assert made.compared == CLASSES
    assert "which flatters the agreement" in caplog.text


def test_one_probability_becomes_two_classes(folder: Path, tmp_path: Path) -> None:
    """The agreement is that of both classes; of one value alone, every file would agree."""
    made = onnx.load_from_string(onnx_file(1.0))
    nodes = list(made.graph.node)[:-1]
    nodes += [
        onnx.helper.make_node("Slice", ["g", "from", "to", "axes"], ["one"]),
        onnx.helper.make_node("Sigmoid", ["one"], ["p"]),
    ]
    constants = {"from": [0], "to": [1], "axes": [1]}
    graph = onnx.helper.make_graph(
        nodes,
        "network",
        list(made.graph.input),
        [onnx.helper.make_tensor_value_info("p", onnx.TensorProto.FLOAT, [1, 1])],
        [
            *made.graph.initializer,
            *(onnx.numpy_helper.from_array(np.array(value), name) for name, value in constants.items()),
        ],
    )
    path = tmp_path / "binary.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=made.opset_import, ir_version=8), path)
    labels = ClassNames("labels", ("no", "yes"))
    compressed = compress_model_file(path, recipe(), folder, settings=SETTINGS, labels=labels)
    assert 0.95 <= compressed.agreement <= 1.0
    bundle_compressed_file(compressed, tmp_path / "bundle")
    image = np.asarray(Image.open(next(folder.rglob("*.png"))))
    with Classifier.open(tmp_path / "bundle") as classifier:
        assert classifier.labels == ("no", "yes")
        assert classifier.probabilities(image).sum() == pytest.approx(1.0, abs=1e-3)


def test_a_wrong_file_is_caught_at_export(model: Path, folder: Path, tmp_path: Path) -> None:
    """What the gate compares with is the original file, not the quantized one."""
    compressed = compress_model_file(model, recipe(), folder, settings=SETTINGS)
    save_compressed_file(compressed, tmp_path / "out")
    changed = onnx_changed if model.suffix == ".onnx" else tflite_changed
    path = tmp_path / "out" / f"model{model.suffix}"
    path.write_bytes(changed(path.read_bytes()))
    with pytest.raises(ConversionError, match="expected the best class of the original file"):
        bundle_compressed_file(load_compressed_file(tmp_path / "out"), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def onnx_changed(content: bytes) -> bytes:
    """The file with its int8 weights negated."""
    made = onnx.load_from_string(content)
    for tensor in made.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) > 1:
            values = -onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return bytes(made.SerializeToString())


def tflite_changed(content: bytes) -> bytes:
    """The file with its largest int8 weights negated."""
    from ai_edge_litert.tools import flatbuffer_utils

    made = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for tensor in made.subgraphs[0].tensors:
        data = made.buffers[tensor.buffer].data
        if tensor.type == 9 and data is not None and len(data) > 1:  # INT8
            made.buffers[tensor.buffer].data = (-np.asarray(data).view(np.int8)).view(np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(made))


def test_a_damaged_directory_is_refused(model: Path, folder: Path, tmp_path: Path) -> None:
    compressed = compress_model_file(model, recipe(), folder, settings=SETTINGS)
    save_compressed_file(compressed, tmp_path / "out")
    about = tmp_path / "out" / "compressed-file.json"
    table = json.loads(about.read_text())
    del table["agreement"]
    about.write_text(json.dumps(table))
    with pytest.raises(DataError, match="run `hanji compress` again"):
        load_compressed_file(tmp_path / "out")
