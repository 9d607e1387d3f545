"""Quantization-aware training: ranges, preserved sparsity and clusters, layers unsupported by TFMOT."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.compress import compress_classifier
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.networks import copied, named_variables, weights_by_name
from hanji.compression.classifiers.quantization.max_pooling import pools_last
from hanji.compression.classifiers.quantization.qat import (
    computed_in_float,
    in_float,
    preserved_by_layer,
    quantization_aware,
)
from hanji.compression.classifiers.quantization.ranges import measure_ranges, refresh_kernel_ranges
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ClusterWeights, ImagePrune, ImageQuantize
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer, evaluate_classifier
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import TrainedClassifier
from hanji.training.errors import RecipeError

L = keras.layers
QAT = ImageQuantize("int8-qat", epochs=2, learning_rate=0.001)


def fake_quantized(
    model: keras.Model, dataset: ImageDataset, trained: TrainedClassifier, **settings
) -> keras.Model:
    quantized = quantization_aware(model, **settings)
    refresh_kernel_ranges(quantized)
    measure_ranges(quantized, dataset.train.images[:256], trained.image_input, 64)
    return quantized


def logits(model: keras.Model, dataset: ImageDataset, trained: TrainedClassifier) -> np.ndarray:
    return ClassifierScorer(model, trained.image_input).logits(dataset.test.images)


def pointwise(model: keras.Model) -> dict[str, np.ndarray]:
    named = weights_by_name(model)
    return {name: value for name, value in named.items() if name.endswith("_pointwise/kernel")}


def test_quantization_with_measured_ranges_loses_little_accuracy(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    quantized = fake_quantized(trained_digits.model, digits, trained_digits)
    metrics = evaluate_classifier(quantized, digits.test, trained_digits.image_input)
    assert metrics["top1"] > trained_digits.metrics["top1"] - 0.02
    ends = {name: float(v) for name, v in named_variables(quantized).items() if name.endswith("output_min")}
    relus = {name: low for name, low in ends.items() if "relu" in name}
    assert relus
    assert all(abs(low) < 1e-3 for low in relus.values())  # TFMOT starts at −6, below any ReLU output


def test_measuring_changes_only_ranges(trained_digits: TrainedClassifier, digits: ImageDataset) -> None:
    quantized = quantization_aware(trained_digits.model)
    refresh_kernel_ranges(quantized)
    before = weights_by_name(quantized)
    measure_ranges(quantized, digits.train.images[:64], trained_digits.image_input, 64)
    for name, value in weights_by_name(quantized).items():
        if not name.endswith(("min", "max")) or "kernel" in name:
            np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert all(layer.trainable for layer in quantized.layers)


@pytest.fixture(scope="module")
def aware(trained_digits: TrainedClassifier, digits: ImageDataset) -> CompressedClassifier:
    return compress_classifier(trained_digits, ImageRecipe("qat", (QAT,)), digits)


def test_quantization_aware_training_nearly_reaches_float_accuracy(
    aware: CompressedClassifier, trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    assert aware.scheme == "int8-qat"
    assert aware.metrics["top1"] > trained_digits.metrics["top1"] - 0.015
    assert aware.plain is not None
    plain = evaluate_classifier(aware.plain, digits.test, trained_digits.image_input)
    assert plain["top1"] > aware.metrics["top1"] - 0.015


def test_kernel_ranges_are_those_of_the_averaged_kernels(aware: CompressedClassifier) -> None:
    values = weights_by_name(aware.model)
    kernel, high = values["block_2_pointwise/kernel"], values["block_2_pointwise/kernel_max"]
    np.testing.assert_allclose(np.abs(kernel).max(axis=(0, 1, 2)), high, rtol=1e-6)


def test_sparsity_survives_the_training(trained_digits: TrainedClassifier, digits: ImageDataset) -> None:
    quantized = compress_classifier(
        trained_digits, ImageRecipe("kept", (ImagePrune(0.6, epochs=2), QAT)), digits
    )
    for name, kernel in pointwise(quantized.model).items():
        assert np.mean(kernel == 0.0) == pytest.approx(0.6, abs=0.01), name
    assert quantized.metrics["top1"] > 0.9


def test_clusters_and_sparsity_survive_with_one_scale_per_kernel(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    recipe = ImageRecipe("kept", (ImagePrune(0.6, epochs=2), ClusterWeights(clusters=8, epochs=1), QAT))
    quantized = compress_classifier(trained_digits, recipe, digits)
    values = weights_by_name(quantized.model)
    for name, kernel in pointwise(quantized.model).items():
        assert np.mean(kernel == 0.0) == pytest.approx(0.6, abs=0.01), name
        assert len(np.unique(kernel)) <= 8, name
        high = values[f"{name}_max"]
        assert np.ptp(high) == 0.0
        assert len(np.unique(np.rint(kernel / high * 127))) <= 8
    assert quantized.metrics["top1"] > 0.85
    assert not [name for name in values if "shared_values" in name]


def test_the_preserved_property_depends_on_the_layer(trained_digits: TrainedClassifier) -> None:
    model = copied(trained_digits.model)
    kernel, *rest = model.get_layer("block_1_pointwise").get_weights()
    model.get_layer("block_1_pointwise").set_weights([np.where(kernel > 0.0, kernel, 0.0), *rest])
    kernel, *rest = model.get_layer("block_2_pointwise").get_weights()
    model.get_layer("block_2_pointwise").set_weights([np.sign(kernel), *rest])
    assert preserved_by_layer(model, pruned=True, clusters=4) == {
        "block_1_pointwise": "sparsity",
        "block_2_pointwise": "clusters",
    }
    assert preserved_by_layer(model, pruned=False, clusters=0) == {}


def test_float_layers_stay_in_float(trained_digits: TrainedClassifier, digits: ImageDataset) -> None:
    quantized = fake_quantized(
        trained_digits.model, digits, trained_digits, float_layers=("block_1_pointwise",)
    )
    names = [layer.name for layer in quantized.layers]
    assert "quant_block_2_pointwise" in names
    assert {"block_1_pointwise", "block_1_pointwise_norm"} <= set(names)
    assert "quant_block_1_pointwise_relu" in names  # its output is quantized for the next layer
    agreement = logits(quantized, digits, trained_digits).argmax(1) == logits(
        trained_digits.model, digits, trained_digits
    ).argmax(1)
    assert agreement.mean() > 0.97
    with pytest.raises(RecipeError, match=r"no layer 'block_99'.*block_1_depthwise"):
        quantization_aware(trained_digits.model, float_layers=("block_99",))


FAMILIES = {
    "cnn": ImageModelConfig("cnn", channels=(8, 16), blocks=(1, 2), strides=(1, 2), residual=True),
    "sparse-friendly": ImageModelConfig(
        stem_channels=8, channels=(8, 16), blocks=(1, 1), strides=(1, 2), sparse_friendly=True
    ),
    "mobilenet-v2": ImageModelConfig(
        "mobilenet-v2", stem_channels=8, channels=(8, 16), blocks=(1, 2), strides=(1, 2), last_channels=16
    ),
    "shufflenet": ImageModelConfig(
        "shufflenet", stem_channels=24, stem_stride=1, channels=(48,), blocks=(2,), strides=(2,)
    ),
    "hard-swish": ImageModelConfig(
        stem_channels=8, channels=(8, 16), blocks=(1, 1), strides=(1, 2), activation="hard-swish"
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_quantized(
    trained_digits: TrainedClassifier, digits: ImageDataset, name: str
) -> None:
    model = pools_last(build_classifier(FAMILIES[name], height=8, width=8, channels=1, classes=10))
    quantized = fake_quantized(model, digits, trained_digits)
    float32, int8 = (logits(network, digits, trained_digits) for network in (model, quantized))
    assert np.corrcoef(float32.ravel(), int8.ravel())[0, 1] > 0.95
    unsupported = ("_swish",) if name == "hard-swish" else ()
    assert all(layer.endswith(unsupported) for layer in computed_in_float(model))
    np.testing.assert_allclose(logits(in_float(model, quantized), digits, trained_digits), float32, atol=1e-5)


def test_a_pooling_before_a_normalization_is_moved_after_it() -> None:
    model = build_classifier(FAMILIES["cnn"], height=8, width=8, channels=1, classes=10)
    moved = pools_last(model)
    order = [layer.name for layer in moved.layers if layer.name.startswith("block_2")]
    assert order == ["block_2", "block_2_norm", "block_2_relu", "block_2_pool"]
    samples = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(moved(samples).numpy(), model(samples).numpy(), atol=1e-5)


def test_a_pooling_is_not_moved_if_a_scale_is_negative() -> None:
    model = build_classifier(FAMILIES["cnn"], height=8, width=8, channels=1, classes=10)
    gamma, *rest = model.get_layer("block_2_norm").get_weights()
    model.get_layer("block_2_norm").set_weights([-gamma, *rest])
    order = [layer.name for layer in pools_last(model).layers if layer.name.startswith("block_2")]
    assert order == ["block_2", "block_2_pool", "block_2_norm", "block_2_relu"]


def test_layers_that_tfmot_does_not_support_stay_in_float() -> None:
    image = keras.Input((8, 8, 1))
    x = L.BatchNormalization(name="first_norm")(image)
    x = L.Conv2D(4, 3, name="conv")(x)
    x = L.PReLU(shared_axes=(1, 2), name="prelu")(x)
    gate = L.Dense(4, activation="sigmoid", name="gate")(L.GlobalAveragePooling2D(name="squeeze")(x))
    x = L.Multiply(name="gated")([x, L.Reshape((1, 1, 4), name="spread")(gate)])
    model = keras.Model(image, L.Dense(3, name="head")(L.Flatten(name="flat")(x)))
    assert computed_in_float(model) == ["first_norm", "prelu", "gated"]
    quantized = quantization_aware(model)
    samples = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    assert np.isfinite(quantized(samples, training=True).numpy()).all()
