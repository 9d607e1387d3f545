"""Weight clustering: at most the values that were asked for, and zeros stay zeros."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.clustering import cluster, clustered_layers, values_of
from hanji.compression.classifiers.pruning.magnitude import prune, sparsity_of
from hanji.compression.classifiers.steps import ClusterWeights, ImagePrune
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.errors import RecipeError

CONFIG = ImageModelConfig(channels=(16, 24), blocks=(1, 1), strides=(1, 2), stem_channels=8, stem_stride=1)
CLUSTERED = ("block_1_pointwise", "block_2_pointwise")


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier(CONFIG, height=8, width=8, channels=1, classes=3)


@pytest.mark.parametrize("clusters", [2, 8, 16])
def test_kernels_hold_at_most_so_many_values(toy_fitting, model: keras.Model, clusters: int) -> None:
    clustered = cluster(model, ClusterWeights(clusters=clusters, epochs=2), toy_fitting)
    for name in CLUSTERED:
        found = values_of(clustered.get_layer(name))
        assert max(clusters - 2, 2) <= found <= clusters


def test_depthwise_kernels_stem_and_head_are_left_alone(toy_fitting, model: keras.Model) -> None:
    clustered = cluster(model, ClusterWeights(clusters=4, epochs=1), toy_fitting)
    for name in ("stem", "head"):
        layer = clustered.get_layer(name)
        assert values_of(layer) == layer.kernel.numpy().size
    assert len(np.unique(clustered.get_layer("block_1_depthwise").depthwise_kernel.numpy())) == 72


def test_training_goes_on_from_the_weights_that_were_given(toy_fitting, model: keras.Model) -> None:
    step = ClusterWeights(clusters=32, epochs=1, learning_rate=1e-9)
    clustered = cluster(model, step, toy_fitting)
    for name in CLUSTERED:
        before, after = model.get_layer(name).kernel.numpy(), clustered.get_layer(name).kernel.numpy()
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_wrappers_are_gone_and_the_model_that_was_given_is_as_it_was(toy_fitting, model: keras.Model) -> None:
    before = [weight.copy() for weight in model.get_weights()]
    clustered = cluster(model, ClusterWeights(clusters=8, epochs=1), toy_fitting)
    assert [type(layer) for layer in clustered.layers] == [type(layer) for layer in model.layers]
    assert [layer.name for layer in clustered.layers] == [layer.name for layer in model.layers]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_zeros_of_pruning_survive(toy_fitting, model: keras.Model) -> None:
    pruned = prune(model, ImagePrune(sparsity=0.6, epochs=1), toy_fitting)
    clustered = cluster(pruned, ClusterWeights(clusters=8, epochs=2), toy_fitting)
    for name in CLUSTERED:
        before, after = pruned.get_layer(name), clustered.get_layer(name)
        assert np.all(after.kernel.numpy()[before.kernel.numpy() == 0.0] == 0.0)
        assert sparsity_of(after) >= sparsity_of(before)
        assert values_of(after) <= 8


def test_two_clusters_cannot_keep_zeros(toy_fitting, model: keras.Model) -> None:
    pruned = prune(model, ImagePrune(sparsity=0.6, epochs=1), toy_fitting)
    with pytest.raises(RecipeError, match="at least 3 clusters after a prune step"):
        cluster(pruned, ClusterWeights(clusters=2), toy_fitting)


def test_kernels_that_are_too_small_are_named_as_the_reason(toy_fitting, model: keras.Model) -> None:
    step = ClusterWeights(clusters=24 * 16)
    assert clustered_layers(model, step) == []
    with pytest.raises(RecipeError, match="more weights than there are clusters"):
        cluster(model, step, toy_fitting)


def test_the_same_seed_gives_the_same_weights(toy_fitting, model: keras.Model) -> None:
    first, second = (cluster(model, ClusterWeights(clusters=8, epochs=1), toy_fitting) for _ in range(2))
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
