"""TFLite files of classifiers: what is quantized, what stays in float32, how sparse weights are stored."""

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
    """The kernels of a file in execution order."""
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
def test_uint8_image_in_and_float_probabilities_out(file: Any, digits: Any, scheme: str) -> None:
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


@pytest.mark.parametrize(("scheme", "dtype"), [("int8", "int8"), ("int8-qat", "int8"), ("int16x8", "int16")])
def test_the_network_is_quantized_and_pre_and_postprocessing_are_not(
    classifier: Any, scheme: str, dtype: str
) -> None:
    found = layers_of(classifier(scheme))
    inside = [operator for operator in found if operator.in_network]
    outside = {operator.kind for operator in found if not operator.in_network}
    assert len(inside) > 8
    for operator in inside:
        if operator.kind != "QUANTIZE":  # the input layer of a QAT network
            assert operator.inputs[0] == dtype, operator
            assert operator.outputs == (dtype,) or operator.kind == "DEQUANTIZE", operator
    assert {"CAST", "SUB", "SOFTMAX"} <= outside
    assert outside <= {"CAST", "SUB", "MUL", "SOFTMAX", "QUANTIZE", "DEQUANTIZE"}
    for operator in found:
        if not operator.in_network and operator.kind in ("SUB", "MUL", "SOFTMAX"):
            assert operator.outputs == ("float32",)


def test_the_softmax_stays_in_float32_at_temperature_one(classifier: Any) -> None:
    compressed = dataclasses.replace(classifier("int8-qat"), temperature=1.0)
    (softmax,) = [operator for operator in layers_of(compressed) if operator.kind == "SOFTMAX"]
    assert (softmax.inputs, softmax.outputs) == (("float32",), ("float32",))


def test_kernels_are_quantized_per_channel(file: Any) -> None:
    _, (graph,) = opened(file("int8", "model.tflite"))
    for operator in graph.operators:
        if graph.kind(operator) in KERNEL_OPS:
            kernel = graph.tensors[operator.inputs[1]]
            channels = kernel.shape[3 if graph.kind(operator) == OP.DEPTHWISE_CONV_2D else 0]
            assert kernel.type == TYPE.INT8
            assert len(kernel.quantization.scale) == channels


@pytest.mark.parametrize("layers", [("block_2_pointwise",), ("head", "stem"), ("block_1_depthwise_relu",)])
def test_layers_can_be_kept_in_float32(classifier: Any, layers: tuple[str, ...]) -> None:
    compressed = dataclasses.replace(classifier("int8"), float_layers=layers)
    for operator in layers_of(compressed):
        if set(layers) & set(operator.layers):
            assert {*operator.inputs, *operator.outputs} == {"float32"}, operator
        elif operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            assert operator.inputs[0] == operator.outputs[0] == "int8", operator


def test_layers_of_a_qat_network_can_be_kept_in_float32(classifier: Any) -> None:
    found = layers_of(classifier("int8-qat-float"))
    kept = [operator for operator in found if "block_2_pointwise" in operator.layers]
    assert {kind for operator in kept for kind in operator.inputs if operator.kind == "CONV_2D"} == {
        "float32"
    }
    assert not any(operator.kind == "SIN" for operator in found)
    others = [operator for operator in found if operator.kind.endswith("CONV_2D") and operator not in kept]
    assert {operator.inputs[0] for operator in others} == {"int8"}


def test_conversion_with_float_layers_leaves_the_model_unchanged(classifier: Any, digits: Any) -> None:
    compressed = classifier("int8-qat-float")
    normalized = (digits.test.images[:3].astype(np.float32) - 80.0) / 96.0
    before = compressed.model(normalized, training=False).numpy()
    named(compressed)
    np.testing.assert_array_equal(compressed.model(normalized, training=False).numpy(), before)


def test_an_unknown_float_layer_is_a_clear_error(classifier: Any) -> None:
    compressed = dataclasses.replace(classifier("int8"), float_layers=("block_9",))
    with pytest.raises(ConversionError, match="found 'block_9'; the model has block_1_depthwise, "):
        named(compressed)


def test_sparsity_survives_quantization_and_export(trained_classifier: Any, digits: Any) -> None:
    steps = (ImagePrune(0.6, epochs=1), ImageQuantize("int8-qat", calibration_images=64, epochs=1))
    compressed = compress_classifier(trained_classifier, ImageRecipe("test", steps), digits)
    pointwise = [kernel for kernel in kernels(compacted(named(compressed))) if kernel.shape[1:3] == (1, 1)]
    assert len(pointwise) == 3
    for kernel in pointwise:
        assert kernel.dtype == np.int8
        assert np.mean(kernel == 0) == pytest.approx(0.6, abs=0.01)


def test_weight_clusters_survive_quantization_and_export(trained_classifier: Any, digits: Any) -> None:
    steps = (ClusterWeights(8, epochs=1), ImageQuantize("int8-qat", calibration_images=64, epochs=1))
    compressed = compress_classifier(trained_classifier, ImageRecipe("test", steps), digits)
    pointwise = [kernel for kernel in kernels(compacted(named(compressed))) if kernel.shape[1:3] == (1, 1)]
    assert len(pointwise) == 3
    assert max(len(np.unique(kernel)) for kernel in pointwise) <= 8


def test_pruned_weights_are_stored_as_sparse_tensors(file: Any, classifier: Any) -> None:
    model, (graph,) = opened(file("sparse", "model.tflite"))
    sparse = [tensor for tensor in graph.tensors if tensor.sparsity is not None]
    assert len(sparse) == 3
    stored = sum(len(model.buffers[tensor.buffer].data) // 4 for tensor in sparse)
    kernels = [
        layer.kernel.numpy() for layer in classifier("sparse").model.layers if "pointwise" in layer.name[-9:]
    ]
    assert stored < 0.25 * sum(kernel.size for kernel in kernels)
    assert len(file("sparse", "model.tflite")) < 0.75 * len(file("float32", "model.tflite"))


def test_each_scheme_has_the_expected_size(file: Any) -> None:
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


def test_an_operation_that_tflite_does_not_support_is_a_clear_error(classifier: Any) -> None:
    import tensorflow as tf

    compressed = classifier("float32")
    unsupported = keras.layers.Lambda(lambda logits: tf.math.igamma(1.0, tf.abs(logits)))
    model = keras.Model(compressed.model.input, unsupported(compressed.model.output))
    with pytest.raises(ConversionError, match="Igamma") as refusal:
        named(dataclasses.replace(compressed, model=model))
    assert len(str(refusal.value)) < 1000


def test_the_converter_output_is_suppressed(classifier: Any, capfd: pytest.CaptureFixture[str]) -> None:
    named(classifier("int8"))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "fully_quantize" not in captured.err
