"""Magnitude pruning: exactly the configured sparsity, in the configured layers."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.pruning.magnitude import hidden_kernels, prune, pruned_layers, sparsity_of
from hanji.compression.classifiers.steps import ImagePrune
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.errors import RecipeError

MOBILENET = ImageModelConfig(channels=(16, 24), blocks=(1, 1), strides=(1, 2), stem_channels=8, stem_stride=1)
CNN = ImageModelConfig(type="cnn", channels=(8, 16), blocks=(1, 1), strides=(2, 2))


def network(config: ImageModelConfig) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier(config, height=8, width=8, channels=1, classes=3)


@pytest.mark.parametrize("sparsity", [0.5, 0.7, 0.9])
def test_sparsity_is_exact(toy_fitting, sparsity: float) -> None:
    model = network(MOBILENET)
    pruned = prune(model, ImagePrune(sparsity=sparsity, epochs=2), toy_fitting)
    for name in ("block_1_pointwise", "block_2_pointwise"):
        kernel = pruned.get_layer(name).kernel.numpy()
        assert np.sum(kernel != 0.0) == round(kernel.size * (1.0 - sparsity))


def test_depthwise_kernels_stem_and_head_stay_dense(toy_fitting) -> None:
    pruned = prune(network(MOBILENET), ImagePrune(sparsity=0.8, epochs=1), toy_fitting)
    for name in ("stem", "head"):
        assert sparsity_of(pruned.get_layer(name)) == 0.0
    for name in ("block_1_depthwise", "block_2_depthwise"):
        assert np.all(pruned.get_layer(name).depthwise_kernel.numpy() != 0.0)


def test_wrappers_are_stripped_and_the_given_model_is_unchanged(toy_fitting) -> None:
    model = network(MOBILENET)
    before = [weight.copy() for weight in model.get_weights()]
    pruned = prune(model, ImagePrune(sparsity=0.5, epochs=1), toy_fitting)
    assert [type(layer) for layer in pruned.layers] == [type(layer) for layer in model.layers]
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_layers_1x1_selects_only_1x1_convolutions() -> None:
    bottleneck = ImageModelConfig(
        type="mobilenet-v2", channels=(8, 8), blocks=(1, 1), strides=(1, 1), last_channels=16, stem_stride=1
    )
    model = network(bottleneck)
    names = pruned_layers(model, ImagePrune(layers="1x1"))
    assert names == ["block_1_project", "block_2_expand", "block_2_project", "last"]
    assert pruned_layers(network(CNN), ImagePrune(layers="all")) == ["block_1", "block_2"]


def test_a_network_without_such_layers_raises(toy_fitting) -> None:
    with pytest.raises(RecipeError, match="1×1 convolutions between the first and the last layer"):
        prune(network(CNN), ImagePrune(layers="1x1"), toy_fitting)


def test_hidden_dense_layers_are_included() -> None:
    model = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, input_shape=(8, 8, 1), name="first"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, name="hidden"),
            keras.layers.Dense(3, name="last"),
        ]
    )
    assert hidden_kernels(model) == ["hidden"]
