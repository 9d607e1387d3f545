"""TFLite files of classifiers: what is in whole numbers, what stays in floats, what becomes of zeros."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.compress import compress_classifier
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ClusterWeights, ImagePrune, ImageQuantize
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite import convert_classifier_tflite, named_classifier_tflite
from hanji.export.classifiers.formats.tflite_layers import Operator, operators
from hanji.export.formats.compact import compacted
from hanji.export.formats.tflite_graph import opened
from hanji.training.errors import ConversionError

OP, TYPE = schema.BuiltinOperator, schema.TensorType
KERNEL_OPS = (OP.CONV_2D, OP.DEPTHWISE_CONV_2D, OP.FULLY_CONNECTED)


def network(compressed: Any) -> ClassifySignature:
    return ClassifySignature(compressed.model, compressed.full.image_input, compressed.temperature)


def named(compressed: Any) -> bytes:
    return named_classifier_tflite(
        network(compressed),
        compressed.scheme,
        calibration=compressed.calibration,
        float_layers=compressed.float_layers,
        sparse=compressed.sparse,
    )


def layers_of(compressed: Any) -> list[Operator]:
    names = [getattr(layer, "layer", layer).name for layer in compressed.model.layers]
    return operators(named(compressed), names)


def kernels(content: bytes) -> list[np.ndarray]:
    """The kernels of a file, in the order in which they are used; a sparse one as what is stored of it."""
    model, (graph,) = opened(content)
    found = []
    for operator in graph.operators:
        if graph.kind(operator) in KERNEL_OPS:
            tensor = graph.tensors[operator.inputs[1]]
            data = model.buffers[tensor.buffer].data
            dtype = {TYPE.INT8: "i1", TYPE.FLOAT32: "<f4", TYPE.FLOAT16: "<f2"}[tensor.type]
            if data is not None:
                found.append(data.view(dtype).reshape(tensor.shape))
    return found


@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic", "int8", "int8-qat", "int16x8", "sparse"])
def test_levels_in_and_float_probabilities_out(file: Any, digits: Any, scheme: str) -> None:
    runner = Interpreter(model_content=file(scheme, "model.tflite")).get_signature_runner("classify")
    (image,), (probabilities,) = runner.get_input_details().values(), runner.get_output_details().values()
    assert (image["name"], image["dtype"], image["shape"].tolist()) == (
        "classify_image:0",
        np.uint8,
        [1, 8, 8, 1],
    )
    assert probabilities["dtype"] == np.float32
    found = runner(image=digits.test.images[:1])["probabilities"]
    assert found.shape == (1, 10)
    assert found.sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("scheme", "whole"), [("int8", "int8"), ("int8-qat", "int8"), ("int16x8", "int16")])
def test_the_network_is_in_whole_numbers_and_what_is_around_it_is_not(
    classifier: Any, scheme: str, whole: str
) -> None:
    found = layers_of(classifier(scheme))
    inside = [operator for operator in found if not operator.around]
    around = {operator.kind for operator in found if operator.around}
    assert len(inside) > 8
    for operator in inside:
        if operator.kind != "QUANTIZE":  # of a QAT network, the input layer's
            assert operator.inputs[0] == whole, operator
            assert operator.outputs == (whole,) or operator.kind == "DEQUANTIZE", operator
    assert {"CAST", "SUB", "SOFTMAX"} <= around <= {"CAST", "SUB", "MUL", "SOFTMAX", "QUANTIZE", "DEQUANTIZE"}
    for operator in found:
        if operator.around and operator.kind in ("SUB", "MUL", "SOFTMAX"):
            assert operator.outputs == ("float32",)


def test_a_temperature_of_one_leaves_the_softmax_in_floats(classifier: Any) -> None:
    compressed = dataclasses.replace(classifier("int8-qat"), temperature=1.0)
    (softmax,) = [operator for operator in layers_of(compressed) if operator.kind == "SOFTMAX"]
    assert (softmax.inputs, softmax.outputs) == (("float32",), ("float32",))


def test_kernels_are_quantized_by_channel(file: Any) -> None:
    _, (graph,) = opened(file("int8", "model.tflite"))
    for operator in graph.operators:
        if graph.kind(operator) in KERNEL_OPS:
            kernel = graph.tensors[operator.inputs[1]]
            channels = kernel.shape[3 if graph.kind(operator) == OP.DEPTHWISE_CONV_2D else 0]
            assert kernel.type == TYPE.INT8
            assert len(kernel.quantization.scale) == channels


@pytest.mark.parametrize("layers", [("block_2_pointwise",), ("head", "stem"), ("block_1_depthwise_relu",)])
def test_layers_can_be_left_in_floats(classifier: Any, layers: tuple[str, ...]) -> None:
    compressed = dataclasses.replace(classifier("int8"), float_layers=layers)
    for operator in layers_of(compressed):
        if set(layers) & set(operator.layers):
            assert {*operator.inputs, *operator.outputs} == {"float32"}, operator
        elif operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            assert operator.inputs[0] == operator.outputs[0] == "int8", operator


def test_layers_of_a_network_that_rounds_can_be_left_in_floats(classifier: Any) -> None:
    found = layers_of(classifier("int8-qat-float"))
    left = [operator for operator in found if "block_2_pointwise" in operator.layers]
    assert {kind for operator in left for kind in operator.inputs if operator.kind == "CONV_2D"} == {
        "float32"
    }
    assert not any(operator.kind == "SIN" for operator in found)
    others = [operator for operator in found if operator.kind.endswith("CONV_2D") and operator not in left]
    assert {operator.inputs[0] for operator in others} == {"int8"}


def test_a_network_is_as_it_was_after_its_layers_were_held_in_floats(classifier: Any, digits: Any) -> None:
    compressed = classifier("int8-qat-float")
    normalized = (digits.test.images[:3].astype(np.float32) - 80.0) / 96.0
    before = compressed.model(normalized, training=False).numpy()
    named(compressed)
    np.testing.assert_array_equal(compressed.model(normalized, training=False).numpy(), before)


def test_a_layer_that_is_not_there_is_one_clear_error(classifier: Any) -> None:
    compressed = dataclasses.replace(classifier("int8"), float_layers=("block_9",))
    with pytest.raises(ConversionError, match="found 'block_9'; there are block_1_depthwise, "):
        named(compressed)


def test_zeros_survive_quantization_and_export(trained_classifier: Any, digits: Any) -> None:
    steps = (ImagePrune(0.6, epochs=1), ImageQuantize("int8-qat", calibration_images=64, epochs=1))
    compressed = compress_classifier(trained_classifier, ImageRecipe("test", steps), digits)
    pointwise = [kernel for kernel in kernels(compacted(named(compressed))) if kernel.shape[1:3] == (1, 1)]
    assert len(pointwise) == 3
    for kernel in pointwise:
        assert kernel.dtype == np.int8
        assert np.mean(kernel == 0) == pytest.approx(0.6, abs=0.01)


def test_shared_values_survive_quantization_and_export(trained_classifier: Any, digits: Any) -> None:
    steps = (ClusterWeights(8, epochs=1), ImageQuantize("int8-qat", calibration_images=64, epochs=1))
    compressed = compress_classifier(trained_classifier, ImageRecipe("test", steps), digits)
    pointwise = [kernel for kernel in kernels(compacted(named(compressed))) if kernel.shape[1:3] == (1, 1)]
    assert len(pointwise) == 3
    assert max(len(np.unique(kernel)) for kernel in pointwise) <= 8


def test_zeros_are_stored_as_sparse_tensors(file: Any, classifier: Any) -> None:
    model, (graph,) = opened(file("sparse", "model.tflite"))
    sparse = [tensor for tensor in graph.tensors if tensor.sparsity is not None]
    assert len(sparse) == 3
    stored = sum(len(model.buffers[tensor.buffer].data) // 4 for tensor in sparse)
    kernels = [
        layer.kernel.numpy() for layer in classifier("sparse").model.layers if "pointwise" in layer.name[-9:]
    ]
    assert stored < 0.25 * sum(kernel.size for kernel in kernels)
    assert len(file("sparse", "model.tflite")) < 0.75 * len(file("float32", "model.tflite"))


def test_each_scheme_takes_the_bytes_it_should(file: Any) -> None:
    sizes = {
        scheme: len(file(scheme, "model.tflite")) for scheme in ("float32", "float16", "int8", "int16x8")
    }
    assert sizes["float16"] < 0.75 * sizes["float32"]
    assert sizes["int8"] < 0.6 * sizes["float32"]
    assert sizes["int8"] < sizes["int16x8"] < 1.2 * sizes["int8"]


def test_a_second_conversion_gives_the_same_bytes(classifier: Any, file: Any) -> None:
    compressed = classifier("int16x8")
    again = convert_classifier_tflite(network(compressed), "int16x8", calibration=compressed.calibration)
    assert again == file("int16x8", "model.tflite")


def test_an_operation_that_tflite_does_not_have_is_one_clear_error(classifier: Any) -> None:
    import tensorflow as tf

    compressed = classifier("float32")
    odd = keras.layers.Lambda(lambda logits: tf.math.igamma(1.0, tf.abs(logits)))(compressed.model.output)
    model = keras.Model(compressed.model.input, odd)
    with pytest.raises(ConversionError, match="Igamma") as refusal:
        named(dataclasses.replace(compressed, model=model))
    assert len(str(refusal.value)) < 1000


def test_the_converter_keeps_quiet(classifier: Any, capfd: pytest.CaptureFixture[str]) -> None:
    named(classifier("int8"))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "fully_quantize" not in captured.err
