"""A converted network has to answer as the model that was given: every wrong rewriting is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers import compress
from hanji.compression.classifiers.agreement import agreement_of
from hanji.compression.classifiers.compressed import load_compressed_classifier, save_compressed_classifier
from hanji.compression.classifiers.foreign import adopt, converted, saved_model
from hanji.compression.classifiers.foreign.converted import ConvertedModel
from hanji.compression.classifiers.foreign.head import before_activation
from hanji.compression.classifiers.foreign.keras_file import compress_keras_model
from hanji.compression.classifiers.foreign.opened import open_model
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models import folding
from hanji.training.errors import RecipeError

L = keras.layers
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 10, 10, 3), dtype=np.uint8)
IMAGES[::2] = IMAGES[::2, :1, :1]  # of one colour, so that the answers differ

Mutate = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def model() -> keras.Model:
    """A network with a part for each rewriting."""
    keras.utils.set_random_seed(0)
    image = keras.Input((10, 10, 3))
    x = L.RandomFlip()(image)
    x = L.Rescaling([1 / 127.5, 1 / 100, 1 / 80], offset=[-1.0, -0.5, 0.0])(x)
    x = L.Conv2D(6, 3, activation="relu", name="conv")(x)
    x = keras.Sequential([keras.Input((8, 8, 6)), L.SeparableConv2D(8, 3, name="separable")], name="inner")(x)
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(image, L.Dense(3, activation="softmax", kernel_initializer=wide())(x), name="mine")


def wide() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=2.0)


def result_of(model: Any, *, preprocessing: Preprocessing | None = None) -> ConvertedModel:
    return converted.converted(open_model(model, preprocessing or Preprocessing(), None), IMAGES)


def factors_changed(scale: float, offset: float) -> Mutate:
    def mutate(patch: pytest.MonkeyPatch) -> None:
        true = adopt._factors

        def wrong(layer: Any) -> Any:
            found = true(layer)
            return found and (found[0] * scale, found[1] + offset)

        patch.setattr(adopt, "_factors", wrong)

    return mutate


def channels_swapped(patch: pytest.MonkeyPatch) -> None:
    true = adopt._scaled

    def wrong(image_input: ImageInput, layer: Any) -> ImageInput:
        found = true(image_input, layer)
        return replace(found, mean=found.mean[::-1], std=found.std[::-1])

    patch.setattr(adopt, "_scaled", wrong)


def after(name: str, change: Callable[[keras.Model], None]) -> Mutate:
    """Change the network that the function ``name`` of ``adopt`` returns."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        true = getattr(adopt, name)

        def wrong(*arguments: Any) -> keras.Model:
            network = true(*arguments)
            change(network)
            return network

        patch.setattr(adopt, name, wrong)

    return mutate


def other_activation(network: keras.Model) -> None:
    network.get_layer("conv").activation = keras.activations.elu


def transposed_depthwise(network: keras.Model) -> None:
    kernel = network.get_layer("separable_depthwise").depthwise_kernel
    kernel.assign(tf.transpose(kernel, [1, 0, 2, 3]))


def swapped_classes(network: keras.Model) -> None:
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel[:, ::-1], bias[::-1]])


def halved_in_loading(patch: pytest.MonkeyPatch) -> None:
    true = converted._reloaded

    def wrong(network: keras.Model) -> keras.Model:
        loaded = true(network)
        loaded.set_weights([weight * 0.98 for weight in network.get_weights()])
        return loaded

    patch.setattr(converted, "_reloaded", wrong)


@pytest.mark.parametrize(
    "mutate",
    [
        factors_changed(1.01, 0.0),
        factors_changed(1.0, 0.02),
        channels_swapped,
        after("rebuilt", other_activation),
        after("separated", transposed_depthwise),
        after("_converted", swapped_classes),
        halved_in_loading,
    ],
    ids=["scale", "offset", "channels", "activation", "separable", "classes", "loading"],
)
def test_a_wrong_rewriting_is_refused(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch, mutate: Mutate
) -> None:
    mutate(monkeypatch)
    with pytest.raises(
        RecipeError, match=r"model 'mine': expected the converted network to answer as .*12 im"
    ):
        result_of(model)


def test_the_right_rewriting_is_accepted_and_its_agreement_logged(
    model: keras.Model, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="hanji"):
        found = result_of(model)
    assert not {"inner", "separable_depthwise"} <= {layer.name for layer in found.model.layers}
    assert found.image_input.std == pytest.approx((127.5, 100.0, 80.0))
    assert "The converted network agrees with model 'mine' on 12 images: same class 1.000" in caplog.text
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    np.testing.assert_allclose(found.reference.probabilities, expected, atol=1e-6)


def test_a_softmax_that_is_used_twice_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    image = keras.Input((10, 10, 3))
    head = L.Dense(3, activation="softmax", kernel_initializer=wide(), name="head")
    model = keras.Model(image, head(head(L.GlobalAveragePooling2D()(image))), name="twice")
    assert result_of(model).head == "probabilities"
    monkeypatch.setattr(adopt, "_last_activation", lambda flat, activation: flat.get_layer("head"))
    with pytest.raises(RecipeError, match=r"model 'twice': expected the converted network to answer as"):
        result_of(model)


def ensemble(directory: Path) -> Path:
    """A SavedModel that averages the softmax of two heads."""
    keras.utils.set_random_seed(1)
    image = keras.Input((10, 10, 3))
    x = L.GlobalAveragePooling2D()(L.Rescaling(1 / 255)(image))
    heads = [L.Dense(3, activation="softmax", kernel_initializer=wide())(x) for _ in range(2)]
    tf.saved_model.save(keras.Model(image, L.Average()(heads)), str(directory))
    return directory


def test_only_the_operation_of_the_output_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ensemble(tmp_path / "saved")
    found = result_of(path)
    assert found.head == "probabilities"
    layer = found.model.get_layer("saved_model")
    assert layer.head == "probabilities"  # nothing was left out

    def wrong(graph: Any, head: Any) -> Any:
        softmax = next(node for node in graph.definition.node if node.op == "Softmax")
        return f"{softmax.input[0]}:0", before_activation(head)

    monkeypatch.setattr(saved_model, "_without_activation", wrong)
    with pytest.raises(RecipeError, match="expected the converted network to answer as"):
        result_of(path)


def test_the_normalization_that_was_given_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ensemble(tmp_path / "saved")
    given = Preprocessing(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 3.0))
    result_of(path, preprocessing=given)
    true = Preprocessing.image_input

    def wrong(self: Preprocessing, *shape: int) -> ImageInput:
        found = true(self, *shape)
        return replace(found, mean=found.mean[::-1])

    monkeypatch.setattr(Preprocessing, "image_input", wrong)
    with pytest.raises(RecipeError, match="expected the converted network to answer as"):
        result_of(path, preprocessing=given)


def normalized_network() -> keras.Model:
    keras.utils.set_random_seed(2)
    middle = L.Normalization(name="middle")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Rescaling(1 / 255),
            L.Conv2D(8, 3, use_bias=False),
            L.BatchNormalization(name="norm"),
            L.ReLU(),
            middle,
            L.Flatten(),
            L.Dense(3),
        ],
        name="normalized",
    )
    norm = model.get_layer("norm")
    rng = np.random.default_rng(0)
    norm.set_weights([rng.uniform(0.5, 2.0, 8) for _ in range(4)])
    middle.adapt(rng.normal(0.5, 0.3, (4, 6, 6, 8)).astype(np.float32))
    return model


def test_wrongly_folded_batch_normalizations_are_refused(
    toy_images: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compressed() -> Any:
        recipe = ImageRecipe("none", ())
        return compress_keras_model(normalized_network(), recipe, toy_images, preprocessing=Preprocessing())

    assert "norm" not in [layer.name for layer in compressed().model.layers]
    true = folding._scale
    monkeypatch.setattr(folding, "_scale", lambda norm: true(norm) * 1.01)
    with pytest.raises(RecipeError, match=r"batch normalizations: expected the same answers"):
        compressed()
    monkeypatch.undo()
    monkeypatch.setattr(compress, "fold_batch_norms", lambda network: keras.models.clone_model(network))
    with pytest.raises(RecipeError, match=r"batch normalizations: expected the same answers"):
        compressed()


def test_the_answers_of_the_original_are_kept_and_an_adapted_normalization_is_loaded(
    toy_images: ImageDataset, tmp_path: Path
) -> None:
    model = normalized_network()
    made = compress_keras_model(model, ImageRecipe("none", ()), toy_images, preprocessing=Preprocessing())
    save_compressed_classifier(made, tmp_path / "made")
    loaded = load_compressed_classifier(tmp_path / "made")
    reference = loaded.full.reference
    assert len(reference.images) == 64
    expected = tf.nn.softmax(model.predict(reference.images.astype(np.float32), verbose=0)).numpy()
    np.testing.assert_allclose(reference.probabilities, expected, atol=1e-6)
    found = tf.nn.softmax(loaded.full.model(reference.images / np.float32(255.0))).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_small_probabilities_are_compared_by_their_logits() -> None:
    expected = np.array([[0.999, 0.001]])
    assert agreement_of(expected, np.array([[0.999001, 0.000999]])).accepted
    assert not agreement_of(expected, np.array([[0.99895, 0.00105]])).accepted
    assert not agreement_of(expected, np.array([[np.nan, np.nan]])).accepted


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (L.Dropout(0.5), "a layer is random"),
        (L.BatchNormalization(), "a layer is called with training=True"),
    ],
    ids=["random", "of the batch"],
)
def test_a_model_that_trains_when_it_is_called_is_refused(layer: L.Layer, message: str) -> None:
    image = keras.Input((10, 10, 3))
    x = layer(L.GlobalAveragePooling2D()(L.Rescaling(1 / 255)(image)), training=True)
    model = keras.Model(image, L.Dense(3, kernel_initializer=wide())(x))
    with pytest.raises(RecipeError, match=message):
        result_of(model)


def test_half_precision_has_a_wider_bound() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        image = keras.Input((10, 10, 3))
        x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(L.Rescaling(1 / 255)(image)))
        model = keras.Model(image, L.Dense(3, kernel_initializer=wide(), dtype="float32")(x))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    found = result_of(model)
    assert found.reference.bound == 0.02
    assert {layer.compute_dtype for layer in found.model.layers} == {"float32"}
