"""Networks that were built elsewhere: what can be quantized, and what is refused before any training."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers.check import check_image_recipe
from hanji.compression.classifiers.networks import copied, copy_weights, named_variables, weights_by_name
from hanji.compression.classifiers.quantization.activations import with_separate_activations
from hanji.compression.classifiers.quantization.exportable import qat_export_obstacle
from hanji.compression.classifiers.quantization.qat import computed_in_float, quantization_aware
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.training.classifiers.data import ImageDataset
from hanji.training.errors import RecipeError

L = keras.layers
SIDE = 8


def network_of(*layers: Callable[[Any], Any]) -> keras.Model:
    """A convolution, these layers, another convolution, and a head for three classes."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 1))
    x = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    for layer in layers:
        x = layer(x)
    if len(x.shape) == 4:
        x = L.GlobalAveragePooling2D()(L.Conv2D(4, 1, activation="relu", name="last")(x))
    return keras.Model(image, L.Dense(3, name="head")(L.Flatten()(x)))


SAME_SCALE = {
    "average pooling": L.AveragePooling2D(2, 1, "same"),
    "max pooling": L.MaxPooling2D(2, 1, "same"),
    "bilinear": L.Resizing(10, 10),
    "nearest": L.Resizing(10, 10, interpolation="nearest"),
    "upsampling": L.UpSampling2D(2, interpolation="bilinear"),
    "padding": L.ZeroPadding2D(1),
    "cropping": L.Cropping2D(1),
    "center crop": L.CenterCrop(6, 6),
    "reshape": L.Reshape((4, 16, 4)),
    "permute": L.Permute((2, 1, 3)),
    "noise": L.GaussianNoise(0.1),
}


@pytest.mark.parametrize("name", SAME_SCALE)
def test_layers_with_one_scale_keep_the_range_of_their_input(name: str) -> None:
    layer = SAME_SCALE[name]
    model = network_of(type(layer).from_config({**layer.get_config(), "name": "same"}))
    ranges = [name for name in named_variables(quantization_aware(model)) if name.startswith("same/output")]
    assert ranges == []
    assert computed_in_float(model) == []


def test_a_network_of_layers_with_one_scale_can_be_exported() -> None:
    """Whatever the ranges are, also where their outputs are concatenated."""
    image = keras.Input((SIDE, SIDE, 1))
    x = L.Conv2D(4, 3, padding="same", activation="relu")(L.Resizing(12, 12)(image))
    pooled = [pool(2, 1, "same")(x) for pool in (L.AveragePooling2D, L.MaxPooling2D)]
    x = L.Concatenate()([*pooled, x])
    for layer in (L.UpSampling2D(2), L.ZeroPadding2D(1), L.Cropping2D(2), L.Permute((2, 1, 3))):
        x = layer(x)
    pooled = [L.GlobalMaxPooling2D()(x), L.GlobalAveragePooling2D()(x)]
    model = keras.Model(image, L.Dense(3)(L.Concatenate()(pooled)))
    assert qat_export_obstacle(quantization_aware(model)) is None


def test_after_an_operation_that_is_not_quantized_the_range_is_measured() -> None:
    model = network_of(tf.sin, L.AveragePooling2D(2, name="same"))
    assert "same/output_max" in named_variables(quantization_aware(model))


def test_activations_that_tfmot_does_not_support_become_layers() -> None:
    model = network_of(L.Conv2D(4, 3, activation="elu", name="bent"), L.Conv2D(4, 1, activation="relu"))
    separate = with_separate_activations(model)
    assert [layer.name for layer in separate.layers][2:4] == ["bent", "bent_activation"]
    assert separate.get_layer("bent").activation is keras.activations.linear
    images = np.random.default_rng(0).normal(size=(4, SIDE, SIDE, 1)).astype(np.float32)
    np.testing.assert_allclose(separate(images).numpy(), model(images).numpy(), atol=1e-6)


def test_weights_of_one_layer_with_the_same_name_are_told_apart() -> None:
    both = L.Bidirectional(L.LSTM(3), name="both")
    model = network_of(L.Reshape((16, 16)), both)
    assert {"both/kernel", "both/kernel#1"} <= set(weights_by_name(model))
    target = copied(model)
    for weight in target.weights:
        weight.assign(tf.zeros_like(weight))
    copy_weights(model, target)
    for found, expected in zip(target.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def refusal(model: keras.Model, scheme: Any, dataset: ImageDataset) -> str:
    """The message about a network that the scheme does not suit; empty if it does."""
    try:
        check_image_recipe(ImageRecipe("test", (ImageQuantize(scheme),)), model, None, dataset)
    except RecipeError as error:
        return str(error)
    return ""


def recurrent(**options: bool) -> keras.Model:
    return network_of(L.Reshape((16, 16)), L.LSTM(4, name="rows", **options))


REFUSED = {
    "weights only": (recurrent, "int8-weights", "for .onnx and .tflite files; use dynamic"),
    "a loop, trained": (recurrent, "int8-qat", "'rows' (LSTM) is a loop over time steps"),
    "a loop, calibrated": (recurrent, "int8", "'rows' (LSTM) is a loop over time steps"),
    "an unrolled loop": (lambda: recurrent(unroll=True), "int8-qat", "'rows' (LSTM) is recurrent"),
    "a shared kernel": (
        lambda: network_of(*(2 * [L.Conv2D(4, 1, name="twice")])),
        "int8-qat",
        "'twice' is used 2 times",
    ),
    "no kernel for int8": (
        lambda: network_of(L.Reshape((1, SIDE, SIDE, 4)), L.MaxPooling3D(1), L.Reshape((SIDE, SIDE, 4))),
        "int8-qat",
        "tf.MaxPool3D",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_schemes_that_are_not_refused(name: str, toy_images: ImageDataset) -> None:
    build, scheme, reason = REFUSED[name]
    message = refusal(build(), scheme, toy_images)
    assert reason in message
    advice = message.rpartition("; use ")[2].partition(", or build")[0]
    advised = re.findall(r"\b(?:int8-qat|int8|int16x8|float16|dynamic)\b", advice)
    assert advised
    assert [other for other in advised if refusal(build(), other, toy_images)] == []
    assert ("unroll=True and use int8" in message) == ("is a loop" in reason)  # "an unrolled loop" follows it
