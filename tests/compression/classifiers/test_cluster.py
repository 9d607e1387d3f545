"""Weight clustering: at most the configured number of distinct values, and sparsity is preserved."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.clustering import cluster, clustered_layers, distinct_values
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
def test_kernels_have_at_most_as_many_values_as_clusters(
    toy_fitting, model: keras.Model, clusters: int
) -> None:
    clustered = cluster(model, ClusterWeights(clusters=clusters, epochs=2), toy_fitting)
    for name in CLUSTERED:
        count = distinct_values(clustered.get_layer(name))
        assert max(clusters - 2, 2) <= count <= clusters


def test_depthwise_kernels_stem_and_head_are_not_clustered(toy_fitting, model: keras.Model) -> None:
    clustered = cluster(model, ClusterWeights(clusters=4, epochs=1), toy_fitting)
    for name in ("stem", "head"):
        layer = clustered.get_layer(name)
        assert distinct_values(layer) == layer.kernel.numpy().size
    assert len(np.unique(clustered.get_layer("block_1_depthwise").depthwise_kernel.numpy())) == 72


def test_clustering_starts_from_the_given_weights(toy_fitting, model: keras.Model) -> None:
    step = ClusterWeights(clusters=32, epochs=1, learning_rate=1e-9)
    clustered = cluster(model, step, toy_fitting)
    for name in CLUSTERED:
        before, after = model.get_layer(name).kernel.numpy(), clustered.get_layer(name).kernel.numpy()
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_wrappers_are_stripped_and_the_given_model_is_unchanged(toy_fitting, model: keras.Model) -> None:
    before = [weight.copy() for weight in model.get_weights()]
    clustered = cluster(model, ClusterWeights(clusters=8, epochs=1), toy_fitting)
    assert [type(layer) for layer in clustered.layers] == [type(layer) for layer in model.layers]
    assert [layer.name for layer in clustered.layers] == [layer.name for layer in model.layers]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_sparsity_survives_clustering(toy_fitting, model: keras.Model) -> None:
    pruned = prune(model, ImagePrune(sparsity=0.6, epochs=1), toy_fitting)
    clustered = cluster(pruned, ClusterWeights(clusters=8, epochs=2), toy_fitting)
    for name in CLUSTERED:
        before, after = pruned.get_layer(name), clustered.get_layer(name)
        assert np.all(after.kernel.numpy()[before.kernel.numpy() == 0.0] == 0.0)
        assert sparsity_of(after) >= sparsity_of(before)
        assert distinct_values(after) <= 8


def test_two_clusters_cannot_preserve_sparsity(toy_fitting, model: keras.Model) -> None:
    pruned = prune(model, ImagePrune(sparsity=0.6, epochs=1), toy_fitting)
    with pytest.raises(RecipeError, match="at least 3 clusters after a prune step"):
        cluster(pruned, ClusterWeights(clusters=2), toy_fitting)


def test_too_small_kernels_raise(toy_fitting, model: keras.Model) -> None:
    step = ClusterWeights(clusters=24 * 16)
    assert clustered_layers(model, step) == []
    with pytest.raises(RecipeError, match="more weights than clusters"):
        cluster(model, step, toy_fitting)


def test_the_same_seed_gives_the_same_weights(toy_fitting, model: keras.Model) -> None:
    first, second = (cluster(model, ClusterWeights(clusters=8, epochs=1), toy_fitting) for _ in range(2))
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
