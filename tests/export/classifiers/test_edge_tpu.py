"""Export for the Edge TPU: integer-only files, and errors that name the incompatible operators."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.compressed import CompressedClassifier, save_compressed_classifier
from hanji.export.classifiers.config import ImageExportConfig
from hanji.export.classifiers.formats.integer_only import integer_only, integer_signature
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite import named_classifier_tflite
from hanji.export.classifiers.writer import export_classifier
from hanji.export.formats.edge_tpu import incompatibilities
from hanji.export.formats.tflite_graph import opened
from hanji.runtime import Classifier
from hanji.runtime.cli import main
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.manifest import ImageInput, Probabilities
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.settings import settings_from

Kind = schema.BuiltinOperator
Made = Callable[[str], CompressedClassifier]
IMAGE = (1, 8, 8, 4)


def one_operator(
    kind: int,
    inputs: Sequence[Any],
    output: Any,
    options: Any = None,
    *,
    version: int = 1,
) -> bytes:
    """A file with one operator; a tensor is an int8 shape, a (shape, dtype) pair or a constant array."""
    model, graph, code, operator = (
        schema.ModelT(),
        schema.SubGraphT(),
        schema.OperatorCodeT(),
        schema.OperatorT(),
    )
    model.buffers, graph.tensors = [schema.BufferT()], []
    for value in [*inputs, output]:
        tensor = schema.TensorT()
        constant = value if isinstance(value, np.ndarray) else None
        shape, dtype = (value, "int8") if constant is None else (value.shape, value.dtype.name)
        if constant is None and isinstance(value[-1], str):
            shape, dtype = value
        tensor.shape, tensor.type = (
            [max(size, 1) for size in shape],
            getattr(schema.TensorType, dtype.upper()),
        )
        tensor.shapeSignature = list(shape) if any(size < 0 for size in shape) else None
        if constant is not None:
            tensor.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(constant.tobytes(), np.uint8)
        graph.tensors.append(tensor)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, min(kind, 127), version
    operator.inputs, operator.outputs = list(range(len(inputs))), [len(inputs)]
    if options is not None:
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    graph.inputs, graph.outputs, graph.operators = [0], [len(inputs)], [operator]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def with_(options: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(options, name, value)
    return options


KERNEL, BIAS = np.ones((4, 3, 3, 4), np.int8), np.ones(4, np.int32)


@pytest.mark.parametrize(
    "content",
    [
        one_operator(Kind.CONV_2D, [IMAGE, KERNEL, BIAS], IMAGE, schema.Conv2DOptionsT()),
        one_operator(Kind.MEAN, [IMAGE, axes(1, 2)], (1, 4)),
        one_operator(Kind.MEAN, [IMAGE, axes(3)], (1, 8, 8)),
        one_operator(Kind.SOFTMAX, [(1, 10)], (1, 10)),
        one_operator(Kind.QUANTIZE, [(IMAGE, "uint8")], IMAGE),
        one_operator(Kind.PAD, [IMAGE, np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)], (1, 10, 10, 4)),
        one_operator(Kind.CONCATENATION, [IMAGE, IMAGE], (1, 8, 8, 8), schema.ConcatenationOptionsT()),
        one_operator(Kind.SPLIT, [axes(3), IMAGE], (1, 8, 8, 2), schema.SplitOptionsT()),
        one_operator(Kind.SQUEEZE, [(1, 1, 1, 10)], (1, 10)),
        one_operator(Kind.PRELU, [IMAGE, np.ones((1, 1, 4), np.int8)], IMAGE),
    ],
    ids=lambda content: schema_name(content),
)
def test_supported_operators_are_accepted(content: bytes) -> None:
    assert incompatibilities(content) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (one_operator(Kind.CAST, [IMAGE], (IMAGE, "float32")), "the compiler does not support it"),
        (one_operator(Kind.GATHER, [IMAGE, axes(1)], IMAGE), "the compiler does not support it"),
        (one_operator(Kind.ADD, [(IMAGE, "float32")] * 2, (IMAGE, "float32")), "computes in float32"),
        (one_operator(Kind.ADD, [(IMAGE, "int16")] * 2, (IMAGE, "int16")), "computes in int16"),
        (one_operator(Kind.ADD, [(-1, 8, 8, 4)] * 2, (-1, 8, 8, 4)), "not known at compile time"),
        (one_operator(Kind.ADD, [(2, 8, 8, 4)] * 2, (2, 8, 8, 4)), "only the last three dimensions"),
        (one_operator(Kind.CONV_2D, [IMAGE, KERNEL.shape, BIAS], IMAGE, schema.Conv2DOptionsT()),
         "weights are computed"),
        (one_operator(Kind.CONV_2D, [IMAGE, KERNEL, BIAS], IMAGE, schema.Conv2DOptionsT(), version=6),
         "version 6, but the compiler supports versions up to 5"),
        (one_operator(Kind.CONV_2D, [IMAGE, KERNEL, BIAS], IMAGE,
                      with_(schema.Conv2DOptionsT(), dilationWFactor=2)), "equal in both directions"),
        (one_operator(Kind.MAX_POOL_2D, [IMAGE], IMAGE,
                      with_(schema.Pool2DOptionsT(), fusedActivationFunction=1)), "has a fused activation"),
        (one_operator(Kind.CONCATENATION, [IMAGE, np.ones(IMAGE, np.int8)], (1, 8, 8, 8),
                      schema.ConcatenationOptionsT()), "all zeros"),
        (one_operator(Kind.FULLY_CONNECTED, [(3, 4), np.ones((5, 4), np.int8)], (3, 5)),
         "must have a single row"),
        (one_operator(Kind.SOFTMAX, [(2, 10)], (2, 10)), "must have a single row"),
        (one_operator(Kind.SOFTMAX, [(1, 16_001)], (1, 16_001)), "at most 16,000 are supported"),
        (one_operator(Kind.MEAN, [(1, 8, 8, 5), axes(-1)], (1, 8, 8)), "multiple of 4"),
        (one_operator(Kind.SUM, [IMAGE, axes(0)], (8, 8, 4)), "reduces over the batch dimension"),
        (one_operator(Kind.PAD, [IMAGE, np.array([[0, 1], [0, 0], [0, 0], [0, 0]], np.int32)], IMAGE),
         "pads the batch dimension"),
        (one_operator(Kind.SPLIT, [axes(-4), IMAGE], IMAGE, schema.SplitOptionsT()), "splits the batch"),
        (one_operator(Kind.PACK, [(8, 8, 4)], IMAGE, with_(schema.PackOptionsT(), axis=0)), "packs along"),
        (one_operator(Kind.PRELU, [IMAGE, np.ones((8, 8, 4), np.int8)], IMAGE), "not per channel"),
        (one_operator(Kind.SQUEEZE, [(5, 1, 10)], (5, 10)), "must all come first"),
        (one_operator(Kind.STRIDED_SLICE, [IMAGE, axes(0, 0, 0, 0), axes(1, 8, 8, 4), axes(1, 2, 1, 1)],
                      (1, 4, 8, 4), schema.StridedSliceOptionsT()), "strides other than 1"),
    ],
    ids=lambda value: schema_name(value) if isinstance(value, bytes) else value.replace(" ", "-"),
)  # fmt: skip
def test_incompatibilities_are_named(content: bytes, reason: str) -> None:
    found = incompatibilities(content)
    assert any(reason in line for line in found), found
    assert found[0].startswith(f"operator 0, {schema_name(content)}: ")


def schema_name(content: bytes) -> str:
    model, _ = opened(content)
    names = {number: name for name, number in vars(Kind).items()}
    return str(names[max(model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode)])


@pytest.fixture(scope="module")
def edge_bundles(
    classifier: Made, digits: ImageDataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function that returns the shared classifier's Edge TPU bundle under a scheme."""
    root = tmp_path_factory.mktemp("edge")

    @functools.cache
    def exported(scheme: str) -> Path:
        export_classifier(
            classifier(scheme), root / scheme, formats=("tflite",), test=digits.test, edge_tpu=True
        )
        return root / scheme

    return exported


@pytest.fixture(scope="module")
def edge_bundle(edge_bundles: Callable[[str], Path]) -> Path:
    return edge_bundles("int8-qat")


def test_the_file_is_integer_only(edge_bundle: Path) -> None:
    content = (edge_bundle / "model.tflite").read_bytes()
    _, graphs = opened(content)
    types = {tensor.type for tensor in graphs[0].tensors}
    assert types <= {schema.TensorType.INT8, schema.TensorType.INT32}
    assert incompatibilities(content) == []
    manifest = json.loads((edge_bundle / "manifest.json").read_text())
    (artifact,) = manifest["artifacts"]
    assert artifact["precision"] == "int8-only"
    assert artifact["parity"]["checked"]
    signature = artifact["signatures"]["classify"]
    assert [tensor["dtype"] for tensor in signature["inputs"] + signature["outputs"]] == ["int8", "int8"]
    assert signature["inputs"][0]["scale"] > 0 and signature["outputs"][0]["scale"] > 0
    assert manifest["picture"]["normalized_by"] == "runtime"
    assert manifest["probabilities"]["source"] == "softmax"
    assert "turns the model's logits into probabilities" in (edge_bundle / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("scheme", ["int8", "int8-qat"])
def test_it_agrees_with_the_bundle_with_float_pre_and_postprocessing(
    edge_bundles: Callable[[str], Path], classifier: Made, digits: ImageDataset, out: Path, scheme: str
) -> None:
    """Under int8, the converter folds the normalization factor into the first layer."""
    export_classifier(classifier(scheme), out, formats=("tflite",), test=digits.test)
    with Classifier.open(edge_bundles(scheme)) as edge, Classifier.open(out) as usual:
        assert edge.self_test().passed
        for image in digits.test.images[:40]:
            # Normalization in float64 and in float32 may be rounded to neighbouring input levels.
            assert np.abs(edge.probabilities(image) - usual.probabilities(image)).max() < 0.1


@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic", "int16x8"])
def test_other_schemes_are_rejected(classifier: Made, scheme: str, out: Path) -> None:
    with pytest.raises(ConversionError, match="expected an integer-only int8 network"):
        export_classifier(classifier(scheme), out, formats=("tflite",), edge_tpu=True)
    assert not out.exists()


def test_a_float_layer_is_named_in_the_error(classifier: Made, out: Path) -> None:
    with pytest.raises(ConversionError, match=r"DEQUANTIZE .*block_2_pointwise|block_2_pointwise.*float32"):
        export_classifier(classifier("int8-qat-float"), out, formats=("tflite",), edge_tpu=True)
    assert not out.exists()


def test_other_formats_are_rejected(classifier: Made, out: Path) -> None:
    with pytest.raises(RecipeError, match="formats"):
        export_classifier(classifier("int8-qat"), out, edge_tpu=True)
    with pytest.raises(RecipeError, match="tflite"):
        settings_from(ImageExportConfig, {"edge_tpu": True}, "export")
    config = settings_from(ImageExportConfig, {"edge_tpu": True, "formats": ["tflite"]}, "export")
    assert config.edge_tpu


def test_the_command_exports_only_tflite(
    classifier: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_compressed_classifier(classifier("int8-qat"), tmp_path / "compressed")
    assert main(["export", str(tmp_path / "compressed"), "--out", str(tmp_path / "edge"), "--edge-tpu"]) == 0
    assert "tflite int8-only" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "edge").iterdir()) == [
        "MODEL_CARD.md",
        "golden.json",
        "labels.json",
        "manifest.json",
        "manifest.sha256",
        "model.tflite",
    ]


def test_a_wrapped_model_is_checked_if_requested(
    edge_bundle: Path, file: Callable[[str, str], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.txt").write_text("\n".join(map(str, range(10))))
    (tmp_path / "whole.tflite").write_bytes((edge_bundle / "model.tflite").read_bytes())
    (tmp_path / "floats.tflite").write_bytes(file("int8-qat", "model.tflite"))
    image_input = json.loads((edge_bundle / "manifest.json").read_text())["picture"]
    options = ["--labels", str(tmp_path / "labels.txt"), "--out", str(tmp_path / "out"), "--edge-tpu"]
    (tmp_path / "p.toml").write_text(
        f'mean = {image_input["mean"]}\nstd = {image_input["std"]}\ngives = "logits"\n'
    )
    options += ["--preprocessing", str(tmp_path / "p.toml")]
    assert main(["bundle", str(tmp_path / "floats.tflite"), *options]) == 1
    assert "operator 0, CAST" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["bundle", str(tmp_path / "whole.tflite"), *options]) == 0
    with Classifier.open(tmp_path / "out") as wrapped:
        assert wrapped.self_test().passed


def test_the_extracted_network_has_no_conversion_operators(file: Callable[[str, str], bytes]) -> None:
    before, (graph, *_) = opened(file("int8-qat", "model.tflite"))
    found = integer_only(file("int8-qat", "model.tflite"))
    after, (cut, *_) = opened(found.content)
    assert len(cut.operators) < len(graph.operators)
    kinds = [cut.kind(operator) for operator in cut.operators]
    assert Kind.DEQUANTIZE not in kinds and Kind.QUANTIZE not in kinds
    assert found.content[4:8] == b"TFL3"
    assert len(after.buffers) < len(before.buffers)


@pytest.mark.parametrize("scheme", ["int8", "int16x8"])
def test_the_extracted_network_with_per_channel_normalization_agrees(scheme: str) -> None:
    """For an RGB network: the whole file, and the extracted network with the runtime's processing."""
    image_input = ImageInput(8, 8, 3, "crop", (120.0, 110.5, 100.0), (60.0, 62.0, 64.25), "graph")
    keras.utils.set_random_seed(0)
    config = ImageModelConfig(stem_channels=8, stem_stride=1, channels=(8,), blocks=(1,), strides=(1,))
    model = build_classifier(config, height=8, width=8, channels=3, classes=4)
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    whole = named_classifier_tflite(ClassifySignature(model, image_input, 0.7), scheme, calibration=images)
    if scheme != "int8":
        with pytest.raises(ConversionError, match="found a first layer that does not compute in int8"):
            integer_only(whole)
        return
    found = integer_only(whole)
    signature = integer_signature(found.content, "model.tflite")
    own = replace(image_input, mean=found.mean, std=found.std, normalized_by="runtime")
    tensor, rule = ImageTensor(own, signature.inputs[0]), Probabilities("softmax", found.temperature)
    for image in images[:10]:
        (expected,) = run(whole, image[None])
        (logits,) = run(found.content, tensor.of(image[None]))
        probabilities = probabilities_of(dequantized(logits, signature.outputs[0]), rule)
        assert np.abs(probabilities - expected).max() < 0.05


def run(content: bytes, image: np.ndarray) -> np.ndarray:
    return next(
        iter(Interpreter(model_content=content).get_signature_runner("classify")(image=image).values())
    )
