"""`hanji debug-quantization`: ranking layers by quantization error, and keeping the worst in float32."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.compress import uncompressed_classifier
from hanji.compression.classifiers.compressed import save_compressed_classifier
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ClusterWeights, ImageQuantize
from hanji.export.classifiers.debug_quantization import QuantizationDebugger
from hanji.export.classifiers.remedies import remedy
from hanji.export.classifiers.selective_quantization import recipe_snippet, with_float_layers
from hanji.export.classifiers.writer import export_classifier
from hanji.export.commands import debug_quantization as command
from hanji.runtime import Classifier
from hanji.training.classifiers.trained import save_classifier
from hanji.training.errors import ConversionError, DataError, RecipeError


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(map(str, arguments))))


@pytest.fixture(scope="module")
def badly_scaled(trained_classifier: Any, digits: Any) -> Any:
    """An equivalent float32 network in which the activations of one channel are 2000 times larger."""
    compressed = uncompressed_classifier(trained_classifier, digits.train.images[::8])
    depthwise, pointwise = (
        compressed.model.get_layer(f"block_2_{name}") for name in ("depthwise", "pointwise")
    )
    kernel, bias = depthwise.get_weights()
    next_kernel, next_bias = pointwise.get_weights()
    channel = int(np.abs(next_kernel[0, 0]).max(axis=1).argmin())
    kernel[:, :, channel] *= 2000.0
    bias[channel] *= 2000.0
    next_kernel[0, 0, channel] /= 2000.0
    depthwise.set_weights([kernel, bias])
    pointwise.set_weights([next_kernel, next_bias])
    return compressed


def test_the_layer_with_the_largest_error_comes_first(
    badly_scaled: Any, digits: Any, caplog: pytest.LogCaptureFixture
) -> None:
    debugger = QuantizationDebugger(badly_scaled, test=digits.test, samples=40)
    found = debugger.diagnosis(leave_float=2)
    assert found.pictures == 40
    worst, *others = found.layers
    assert worst.layer in ("block_2_depthwise", "block_2_pointwise")
    assert worst.error > 5 * max(layer.error for layer in others if not layer.layer.startswith("block_2"))
    assert [layer.error for layer in found.layers] == sorted(
        (layer.error for layer in found.layers), reverse=True
    )
    assert sum(": error " in record.getMessage() for record in caplog.records) == len(found.layers)
    assert found.rest_quantized.error < 0.5 * found.all_quantized.error
    assert found.rest_quantized.top1 >= found.all_quantized.top1
    assert found.float_top1 > 0.8
    assert found.rest_bytes > found.bytes > 5000


def test_errors_add_up_like_independent_noise(classifier: Any) -> None:
    found = QuantizationDebugger(classifier("int8"), samples=60).diagnosis()
    together = float(np.sqrt(sum(layer.error**2 for layer in found.layers)))
    assert together == pytest.approx(found.all_quantized.error, rel=0.5)
    assert found.all_quantized.top1 is found.float_top1 is found.rest_quantized is None
    kinds = {layer.layer: layer.operators for layer in found.layers}
    assert kinds["stem"] == ("CONV_2D",)
    assert kinds["head"] == ("FULLY_CONNECTED",)
    assert {"block_3_sum", "pooling"} <= set(kinds)


def test_a_qat_network_is_analysed_without_its_fake_quantization(classifier: Any) -> None:
    found = QuantizationDebugger(classifier("int8-qat"), samples=10).diagnosis()
    assert "block_1_depthwise" in {layer.layer for layer in found.layers}


@pytest.mark.parametrize("count", [-1, 99])
def test_an_invalid_number_of_float_layers_is_rejected(classifier: Any, count: int) -> None:
    with pytest.raises(ConversionError, match=r"leave_float: expected 0 to \d+, .* found"):
        QuantizationDebugger(classifier("int8"), samples=2).diagnosis(leave_float=count)


def test_a_recipe_snippet_keeps_the_scheme() -> None:
    own = ImageRecipe("own", (ClusterWeights(), ImageQuantize("int8-qat")))
    assert 'scheme = "int8-qat"\nfloat_layers = ["stem", "head"]' in recipe_snippet(own, ["stem", "head"])
    assert 'scheme = "int8"' in recipe_snippet(ImageRecipe("own", (ImageQuantize("float16"),)), ["stem"])


def test_float_layers_are_recorded_in_the_recipe(classifier: Any) -> None:
    found = with_float_layers(classifier("float32"), ["head"])
    assert (found.scheme, found.float_layers) == ("int8", ("head",))
    assert found.recipe.tables[-1]["float_layers"] == ["head"]
    with pytest.raises(RecipeError, match="add float_layers to the recipe and build again"):
        with_float_layers(classifier("int8-qat"), ["head"])


def test_the_command_ranks_and_writes_a_bundle(
    classifier: Any, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_compressed_classifier(classifier("int8"), tmp_path / "compressed")
    assert run(tmp_path / "compressed", "--pictures", 20, "--leave-float", 1, "--out", out) == 0
    output = capsys.readouterr().out
    assert "(conv_2d)" in output
    assert "all layers in int8: error" in output
    assert "the worst 1 in float32: error" in output
    assert 'type = "quantize"' in output
    with Classifier.open(out) as opened:
        assert opened.self_test().passed
        assert opened.manifest.recipe.steps[-1]["float_layers"]


def test_the_advice_of_the_parity_check_leads_to_a_bundle(
    badly_scaled: Any, tmp_path: Path, out: Path
) -> None:
    recipe = ImageRecipe("test", (ImageQuantize("int8"),))
    compressed = dataclasses.replace(badly_scaled, scheme="int8", recipe=recipe)
    advice = (
        "`hanji debug-quantization COMPRESSED`, which keeps the 2 worst in float32 with --leave-float 2 "
        "--out BUNDLE, or compress with int8-qat"
    )
    with pytest.raises(ConversionError, match=advice):
        export_classifier(compressed, out, formats=["tflite"])
    save_compressed_classifier(compressed, tmp_path / "compressed")
    assert run(tmp_path / "compressed", "--leave-float", 2, "--out", out) == 0
    with Classifier.open(out) as opened:
        assert opened.self_test().passed


@pytest.mark.parametrize(
    ("scheme", "target", "advice"),
    [
        ("float32", "tflite", "this is a fault of the conversion: please report it with the model"),
        ("float32", "onnx", "export without this format: --formats tflite,tfjs"),
        ("float16", "tflite", "compress without a quantize step, in float32"),
        ("dynamic", "tflite", "use the scheme int8-qat or float16"),
        (
            "int16x8",
            "tfjs",
            "use the scheme int8-qat or float16, or export without this format: --formats tflite,onnx",
        ),
    ],
)
def test_the_advice_depends_on_the_scheme_and_the_format(
    classifier: Any, scheme: str, target: Any, advice: str
) -> None:
    assert remedy(classifier(scheme), target) == advice


def test_a_trained_network_is_not_advised_to_train(classifier: Any) -> None:
    advice = remedy(classifier("int8-qat"), "tflite")
    assert "debug-quantization" in advice
    assert advice.endswith("compress again with them as float_layers")


def test_a_network_that_cannot_be_trained_is_not_advised_to_train(classifier: Any) -> None:
    image = keras.Input((8, 8, 1))
    rows = keras.layers.LSTM(4, unroll=True)(keras.layers.Reshape((8, 8))(image))
    model = keras.Model(image, keras.layers.Dense(10)(rows))
    recurrent = dataclasses.replace(classifier("int8"), model=model, config=None)
    assert "int8-qat" not in remedy(recurrent, "tflite")
    assert "debug-quantization" in remedy(recurrent, "tflite")


def test_the_command_accepts_a_trained_classifier_and_prints_json(
    trained_classifier: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_classifier(trained_classifier, tmp_path / "trained")
    assert run(tmp_path / "trained", "--pictures", 20, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["all_quantized"]["top1"] > 0.7
    assert {"layer", "error", "agreement", "operators", "weights"} <= set(found["layers"][0])


def test_invalid_options_are_rejected_before_measuring(tmp_path: Path, classifier: Any) -> None:
    with pytest.raises(RecipeError, match="--out: expected --leave-float as well"):
        run(tmp_path, "--out", tmp_path / "bundle")
    with pytest.raises(RecipeError, match="--pictures: expected 1 or more"):
        run(tmp_path, "--pictures", 0)
    with pytest.raises(DataError, match=r"found neither compressed-classifier\.json nor classifier\.json"):
        run(tmp_path)
    save_compressed_classifier(classifier("int8-qat"), tmp_path / "qat")
    with pytest.raises(RecipeError, match="found one from quantization-aware training"):
        run(tmp_path / "qat", "--leave-float", 1, "--out", tmp_path / "bundle")
