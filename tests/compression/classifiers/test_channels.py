"""Structured pruning: the remaining channels compute the same outputs, and the network is smaller."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.networks import architecture_of, copied, network_of
from hanji.compression.classifiers.pruning.channels import channels, prune_channels
from hanji.compression.classifiers.steps import PruneChannels
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.profile import profile
from hanji.training.errors import RecipeError

L = keras.layers
SIDE, CLASSES = 16, 5
TINY = {"channels": (16, 32), "blocks": (2, 2), "strides": (1, 2), "stem_channels": 8, "stem_stride": 1}
SHUFFLENET = {"type": "shufflenet", "channels": (48, 96), "blocks": (2, 1), "strides": (2, 2)}
CONFIGS = {
    "cnn": ImageModelConfig(type="cnn", residual=True, mirrored=True, **TINY),
    "mobilenet-v1": ImageModelConfig(**TINY),
    "mobilenet-v1-residual": ImageModelConfig(residual=True, activation="hard-swish", **TINY),
    "mobilenet-v1-sparse": ImageModelConfig(sparse_friendly=True, **{**TINY, "stem_stride": 2}),
    "mobilenet-v2": ImageModelConfig(type="mobilenet-v2", last_channels=40, **TINY),
    "shufflenet-1": ImageModelConfig(groups=1, stem_channels=8, stem_stride=1, **SHUFFLENET),
    "shufflenet-2": ImageModelConfig(groups=2, stem_channels=8, stem_stride=1, **SHUFFLENET),
    "shufflenet-3": ImageModelConfig(groups=3, stem_channels=12, stem_stride=2, **SHUFFLENET),
    "shufflenet-4": ImageModelConfig(
        groups=4, stem_channels=16, stem_stride=1, **{**SHUFFLENET, "channels": (64, 128)}
    ),
}
FAMILIES = pytest.mark.parametrize("family", CONFIGS)


def network(family: str, seed: int = 0) -> keras.Model:
    """A network whose batch normalizations have random, distinct scales, shifts and statistics."""
    keras.utils.set_random_seed(seed)
    model = build_classifier(CONFIGS[family], height=SIDE, width=SIDE, channels=1, classes=CLASSES)
    randomize(model, seed)
    return model


def randomize(model: keras.Model, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            count = layer.gamma.shape[0]
            scale, variance = rng.uniform(0.5, 1.5, count), rng.uniform(0.5, 2.0, count)
            layer.set_weights([scale, rng.normal(0, 0.3, count), rng.normal(0, 0.3, count), variance])


def samples(shape: tuple[int, ...] = (SIDE, SIDE, 1)) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(4, *shape)).astype(np.float32)


def with_zeroed_channels(model: keras.Model, smaller: keras.Model) -> keras.Model:
    """A copy of ``model`` with zeros in the channels that ``smaller`` lacks, identified by their scales."""
    zeroed = copied(model)
    for layer in zeroed.layers:
        if isinstance(layer, L.BatchNormalization):
            scale, shift, mean, variance = layer.get_weights()
            kept = np.isin(scale, smaller.get_layer(layer.name).gamma.numpy())
            assert kept.sum() == smaller.get_layer(layer.name).gamma.shape[0]
            layer.set_weights([scale * kept, shift * kept, mean, variance])
    return zeroed


@FAMILIES
def test_all_channels_kept_is_the_same_network(family: str) -> None:
    model = network(family)
    same = prune_channels(model, keep=1.0, criterion="bn-scale")
    assert np.array_equal(same(samples()).numpy(), model(samples()).numpy())


@FAMILIES
def test_removing_channels_equals_zeroing_them(family: str) -> None:
    model = network(family)
    smaller = prune_channels(model, keep=0.5, criterion="bn-scale")
    zeroed = with_zeroed_channels(model, smaller)
    np.testing.assert_allclose(smaller(samples()), zeroed(samples()), rtol=1e-4, atol=1e-4)
    assert profile(smaller).macs < 0.45 * profile(model).macs
    assert smaller.input_shape == model.input_shape
    assert smaller.output_shape == model.output_shape


@pytest.mark.parametrize("family", ["mobilenet-v1-residual", "mobilenet-v2", "shufflenet-2"])
def test_dead_channels_are_pruned_first(family: str) -> None:
    model = network(family)
    half = prune_channels(model, keep=0.5, criterion="l1")  # any half of the channels
    dead = with_zeroed_channels(model, half)
    smaller = prune_channels(dead, keep=0.5, criterion="bn-scale")
    np.testing.assert_allclose(smaller(samples()), dead(samples()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("keep", [0.25, 0.7])
def test_widths_are_rounded_to_multiples_of_the_groups(keep: float) -> None:
    model = network("shufflenet-3")
    smaller = prune_channels(model, keep=keep, criterion="bn-scale")
    zeroed = with_zeroed_channels(model, smaller)
    np.testing.assert_allclose(smaller(samples()), zeroed(samples()), rtol=1e-4, atol=1e-4)


def test_l1_keeps_the_channels_with_the_largest_kernels() -> None:
    model = network("mobilenet-v1")
    depthwise = model.get_layer("block_1_depthwise").depthwise_kernel
    depthwise.assign(np.ones(depthwise.shape))
    kernel = model.get_layer("stem").kernel
    kernel.assign(np.sign(kernel) * np.array([3, 1, 3, 1, 1, 3, 3, 1]))
    smaller = prune_channels(model, keep=0.5, criterion="l1")
    np.testing.assert_array_equal(smaller.get_layer("stem").kernel, kernel.numpy()[..., [0, 2, 5, 6]])


def test_keeping_half_the_channels_equals_a_network_of_half_the_width() -> None:
    model = network("mobilenet-v1")
    half = {**TINY, "channels": (8, 16), "stem_channels": 4}
    narrow = build_classifier(ImageModelConfig(**half), height=SIDE, width=SIDE, channels=1, classes=CLASSES)
    smaller = prune_channels(model, keep=0.5, criterion="bn-scale")
    assert smaller.count_params() == narrow.count_params()
    assert profile(smaller).macs == profile(narrow).macs
    assert [layer.name for layer in smaller.layers] == [layer.name for layer in model.layers]


def test_a_pruned_network_survives_json_serialization() -> None:
    smaller = prune_channels(network("shufflenet-2"), keep=0.5, criterion="bn-scale")
    again = network_of(architecture_of(smaller), "here")
    again.set_weights(smaller.get_weights())
    assert np.array_equal(again(samples()).numpy(), smaller(samples()).numpy())


def test_the_step_retrains_the_pruned_network(toy_fitting) -> None:
    config = ImageModelConfig(channels=(16,), blocks=(2,), strides=(1,), stem_channels=16, stem_stride=1)
    keras.utils.set_random_seed(0)
    model = build_classifier(config, height=8, width=8, channels=1, classes=3)
    before = model.get_weights()
    smaller = channels(model, PruneChannels(keep=0.5, epochs=2, views=1), toy_fitting)
    untrained = prune_channels(model, keep=0.5, criterion="bn-scale")
    assert smaller.count_params() == untrained.count_params() < model.count_params() / 2
    assert not np.allclose(smaller.get_layer("stem").kernel, untrained.get_layer("stem").kernel)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


# Networks with other architectures


def test_flattened_positions_are_pruned_with_their_channels() -> None:
    model = keras.Sequential(
        [
            L.Conv2D(6, 3, activation="relu", input_shape=(8, 8, 3)),
            L.MaxPooling2D(),
            L.DepthwiseConv2D(3, depth_multiplier=2),
            L.Conv2D(8, 1),
            L.PReLU(shared_axes=[1, 2]),
            L.Flatten(),
            L.Dense(10, activation="relu", name="hidden"),
            L.Dropout(0.5),
            L.Dense(4, activation="softmax"),
        ]
    )
    x = samples((8, 8, 3))
    assert np.array_equal(prune_channels(model, keep=1.0, criterion="l1")(x).numpy(), model(x).numpy())
    smaller = prune_channels(model, keep=0.5, criterion="l1")
    assert smaller(x).shape == (4, 4)
    assert [w.shape for w in smaller.get_layer("hidden").get_weights()] == [(4, 5), (5,)]


def test_outputs_after_a_flatten_are_preserved() -> None:
    image = L.Input((4, 4, 1))
    x = L.BatchNormalization(name="norm")(L.Conv2D(4, 3, padding="same", name="conv")(image))
    model = keras.Model(image, L.Dense(2)(L.Flatten()(x)))
    randomize(model)
    smaller = prune_channels(model, keep=0.5, criterion="bn-scale")
    zeroed = with_zeroed_channels(model, smaller)
    x = samples((4, 4, 1))
    np.testing.assert_allclose(smaller(x), zeroed(x), rtol=1e-5, atol=1e-5)


def test_squeeze_and_excitation_is_pruned_with_the_channels_it_scales() -> None:
    image = L.Input((8, 8, 3))
    x = L.BatchNormalization(name="norm")(L.Conv2D(8, 3, name="conv")(image))
    squeezed = L.Conv2D(4, 1, activation="relu", name="squeeze")(L.GlobalAveragePooling2D(keepdims=True)(x))
    excited = L.Conv2D(8, 1, activation="sigmoid", name="excite")(squeezed)
    model = keras.Model(image, L.Dense(2)(L.GlobalMaxPooling2D()(L.Multiply()([x, excited]))))
    smaller = prune_channels(model, keep=0.5, criterion="l1")
    assert smaller.get_layer("excite").kernel.shape == (1, 1, 2, 4)
    assert smaller.get_layer("conv").kernel.shape == (3, 3, 3, 4)
    smaller(samples((8, 8, 3)))


def test_group_convolutions_keep_equal_groups() -> None:
    image = L.Input((8, 8, 3))
    x = L.Conv2D(12, 3, name="first")(image)
    x = L.Conv2D(24, 3, groups=3, name="grouped")(L.ReLU()(x))
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(x)))
    smaller = prune_channels(model, keep=0.4, criterion="l1")
    assert smaller.get_layer("first").filters == 6  # 4.8, and a multiple of 3
    assert smaller.get_layer("grouped").filters == 9
    smaller(samples((8, 8, 3)))


# Networks that cannot be pruned


def error_message(model: keras.Model, criterion: str = "l1") -> str:
    with pytest.raises(RecipeError) as caught:
        prune_channels(model, keep=0.5, criterion=criterion)
    return str(caught.value)


def test_an_unsupported_layer_is_named() -> None:
    image = L.Input((8, 8, 3))
    x = L.LayerNormalization(name="mixing")(L.Conv2D(4, 3)(image))
    text = error_message(keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(x))))
    assert "layer 'mixing' is of type LayerNormalization" in text
    assert "distil" in text


def test_a_nested_network_is_named() -> None:
    inner = keras.Sequential(
        [L.Conv2D(4, 3, input_shape=(8, 8, 3)), L.GlobalAveragePooling2D()], name="inner"
    )
    image = L.Input((8, 8, 3))
    assert "layer 'inner' is a whole network" in error_message(keras.Model(image, L.Dense(2)(inner(image))))


def test_a_shared_layer_is_named() -> None:
    image = L.Input((8, 8, 4))
    conv = L.Conv2D(4, 3, padding="same", name="shared")
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(conv(conv(image)))))
    assert "layer 'shared' is shared by 2 calls" in error_message(model)


def test_a_bare_tensorflow_function_is_named() -> None:
    image = L.Input((8, 8, 3))
    x = L.Conv2D(4, 3)(image)[:, 1:]
    text = error_message(keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(x))))
    assert "SlicingOpLambda" in text


def test_bn_scale_requires_batch_normalization() -> None:
    image = L.Input((8, 8, 3))
    x = L.Conv2D(4, 3, name="bare")(image)
    model = keras.Model(image, L.Dense(2, name="reader")(L.GlobalAveragePooling2D()(x)))
    text = error_message(model, "bn-scale")
    assert "between layers 'bare' and 'reader'" in text
    assert 'criterion = "l1"' in text


def test_a_network_of_one_layer_has_no_prunable_channels() -> None:
    image = L.Input((8, 8, 3))
    assert "only inputs and outputs of the network" in error_message(
        keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(image)))
    )


def test_groups_that_cannot_be_pruned_evenly_are_named() -> None:
    config = ImageModelConfig(groups=4, stem_channels=16, stem_stride=1, **SHUFFLENET)
    model = build_classifier(config, height=SIDE, width=SIDE, channels=1, classes=CLASSES)
    assert "the groups of layer 'block_1_in' cannot be pruned evenly" in error_message(model)
