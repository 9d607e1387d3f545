"""The meaning of a model's output is read off its operation and its values, not off the last layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers.foreign.converted import converted
from hanji.compression.classifiers.foreign.opened import open_model
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.errors import RecipeError

L = keras.layers
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 6, 6, 3), dtype=np.uint8)
IMAGES[::2] = IMAGES[::2, :1, :1]

Ending = Callable[[Any], Any]


def model_of(end: Ending) -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 3))
    return keras.Model(image, end(L.GlobalAveragePooling2D()(L.Rescaling(1 / 255)(image))), name="mine")


def dense(units: int, activation: str | None = None) -> L.Layer:
    initializer = keras.initializers.RandomNormal(stddev=3.0)
    return L.Dense(units, activation=activation, kernel_initializer=initializer)


def probabilities(model: keras.Model, image_input: ImageInput) -> np.ndarray:
    return tf.nn.softmax(ClassifierScorer(model, image_input).logits(IMAGES)).numpy()


def average(*ends: L.Layer) -> Ending:
    return lambda x: L.Average()([end(x) for end in ends])


@pytest.mark.parametrize(
    ("end", "head", "activation"),
    [
        (dense(3, "softmax"), "probabilities", None),
        (dense(3), "logits", "softmax"),
        (lambda x: tf.nn.softmax(dense(3)(x)), "probabilities", None),
        (average(dense(3, "softmax"), dense(3, "softmax")), "probabilities", None),
        (average(dense(3), dense(3)), "logits", "softmax"),
        (lambda x: L.Activation("log_softmax")(dense(3)(x)), "logits", "softmax"),
        (lambda x: L.Softmax()(dense(3)(x)), "probabilities", None),
    ],
    ids=["softmax", "logits", "function", "ensemble", "mean logits", "log softmax", "layer"],
)
def test_logits_and_probabilities_of_classes(end: Ending, head: str, activation: str | None) -> None:
    model = model_of(end)
    found = converted(open_model(model, Preprocessing(), None), IMAGES)
    assert found.head == head
    outputs = model.predict(IMAGES.astype(np.float32), verbose=0)
    expected = tf.nn.softmax(outputs).numpy() if activation else outputs
    np.testing.assert_allclose(probabilities(found.model, found.image_input), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("end", "head", "is_logit"),
    [
        (dense(1, "sigmoid"), "binary probability", False),
        (lambda x: tf.nn.sigmoid(dense(1)(x)), "binary probability", False),
        (average(dense(1, "sigmoid"), dense(1, "sigmoid")), "binary probability", False),
        (dense(1), "binary logit", True),
    ],
    ids=["sigmoid", "function", "ensemble", "logit"],
)
def test_one_unit_is_the_second_of_two_classes(end: Ending, head: str, is_logit: bool) -> None:
    model = model_of(end)
    original = open_model(model, Preprocessing(), None)
    found = converted(original, IMAGES)
    assert (original.classes, found.head, found.model.output_shape) == (2, head, (None, 2))
    output = model.predict(IMAGES.astype(np.float32), verbose=0)
    second = tf.sigmoid(output).numpy() if is_logit else output
    expected = np.concatenate([1 - second, second], axis=1)
    np.testing.assert_allclose(probabilities(found.model, found.image_input), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (dense(3, "sigmoid"), r"found sigmoid in layer 'dense.*a label of its own"),
        (dense(2, "sigmoid"), "a label of its own"),
        (lambda x: tf.nn.sigmoid(dense(3)(x)), "found sigmoid in layer 'tf.math.sigmoid"),
        (lambda x: 1 / (1 + tf.exp(-dense(3)(x))), "or probabilities that sum to one, found outputs between"),
        (dense(3, "hard_sigmoid"), "or probabilities that sum to one"),
        (lambda x: 100 * dense(3, "sigmoid")(x), "or probabilities that sum to one"),
        (lambda x: 2 * dense(3, "softmax")(x), "that sum to 2 for the first image"),
        (lambda x: L.Softmax(axis=0)(dense(3)(x)), "that sum to 3 for the first image"),
        (dense(3, "tanh"), "found tanh in layer 'dense"),
        (dense(3, "relu"), "found relu in layer 'dense"),
        (L.Dense(1, kernel_initializer=keras.initializers.Constant(0.01)), "expected one sigmoid unit"),
        (lambda x: dense(3)(x) * np.nan, "found NaN or infinity"),
        (lambda x: L.Reshape((1, 1, 3))(dense(3)(x)), "end the model with a Flatten layer"),
        (lambda x: [dense(3)(x), dense(2)(x)], r"found 1 and 2; save a model with the output of the classes"),
    ],
)
def test_other_outputs_are_refused(end: Ending, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        converted(open_model(model_of(end), Preprocessing(), None), IMAGES)


def test_a_single_output_in_a_dictionary_is_taken() -> None:
    found = converted(open_model(model_of(lambda x: {"scores": dense(3)(x)}), Preprocessing(), None), IMAGES)
    assert found.model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("layer", "folded"),
    [
        (L.Rescaling([0.01, 0.02, 0.03], offset=[0.1, 0.2, 0.3]), True),
        (L.Normalization(axis=None, mean=100.0, variance=900.0), True),
        (L.Normalization(mean=[90.0, 100.0, 110.0], variance=[1.0, 2.0, 3.0], invert=True), False),
        (L.Normalization(axis=1, mean=np.arange(6.0), variance=np.arange(1.0, 7.0)), False),
        (L.Rescaling(-1 / 255, offset=1.0), False),
    ],
    ids=["per channel", "scalar", "inverted", "per row", "negative"],
)
def test_scaling_is_folded_only_where_it_is_one_of_pixels(layer: L.Layer, folded: bool) -> None:
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, dense(3)(L.GlobalMaxPooling2D()(layer(image))))
    found = converted(open_model(model, Preprocessing(), None), IMAGES)
    assert (layer.name not in [layer.name for layer in found.model.layers]) == folded


def test_a_layer_that_scales_twice_stays() -> None:
    image, twice = keras.Input((6, 6, 3)), L.Rescaling(1 / 16, offset=0.25, name="twice")
    model = keras.Model(image, dense(3)(L.GlobalAveragePooling2D()(twice(twice(image)))))
    found = converted(open_model(model, Preprocessing(), None), IMAGES)
    assert found.model.get_layer("twice")


def test_layers_with_code_of_their_own_are_refused_before_training() -> None:
    model = model_of(lambda x: L.Lambda(lambda y: 2 * y)(dense(3)(x)))
    with pytest.raises(RecipeError, match=r"a layer has code of its own .*; save it as a SavedModel"):
        converted(open_model(model, Preprocessing(), None), IMAGES)


def test_a_model_of_integers_gets_whole_numbers() -> None:
    image = keras.Input((6, 6, 3), dtype="uint8")
    model = keras.Model(image, dense(3)(L.GlobalAveragePooling2D()(L.Rescaling(1 / 255)(image))))
    converted(open_model(model, Preprocessing(), None), IMAGES)
    with pytest.raises(RecipeError, match=r"whole numbers as its input, which is uint8.*use --scale 1"):
        open_model(model, Preprocessing(scale=1 / 255), None)
