"""Weight clustering: the weights of each kernel share a few centroids (Han et al. 2016), by TFMOT.

A clustered kernel compresses well, but saves bytes only in a compressed file or download: the model file
still stores every weight separately, and no engine runs any faster.
"""

from __future__ import annotations

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.clustering.keras.experimental.cluster import cluster_weights

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.networks import copied
from hanji.compression.classifiers.pruning.magnitude import hidden_kernels, sparsity_of
from hanji.compression.classifiers.steps import ClusterWeights
from hanji.training.errors import RecipeError
from hanji.training.fitting.determinism import seed_everything

MIN_CLUSTERS_WITH_ZEROS = 3  # zero, a negative and a positive centroid
PRUNED = 0.01  # a kernel with a higher sparsity counts as pruned


def cluster(model: keras.Model, step: ClusterWeights, fitting: Fitting) -> keras.Model:
    """A copy of ``model`` with at most ``step.clusters`` distinct values in each clustered kernel.

    Sparsity is preserved. RecipeError if the network has no layer to cluster.
    """
    names = expect_clustered(model, step)
    zeros = any(_is_pruned(model.get_layer(name)) for name in names)
    if zeros and step.clusters < MIN_CLUSTERS_WITH_ZEROS:
        raise RecipeError(
            f"cluster: expected at least {MIN_CLUSTERS_WITH_ZEROS} clusters after a prune step, so that one "
            f"can be zero, found {step.clusters}"
        )
    wrapped = _wrapped(model, names, step.clusters)
    seed_everything(fitting.seed)
    fitting.fit(wrapped, fitting.schedule(step, averaged=False), "Clustering")
    return tfmot.clustering.keras.strip_clustering(wrapped)


def clustered_layers(model: keras.Model, step: ClusterWeights) -> list[str]:
    """Names of the layers to cluster: those that a prune step would prune, if they are large enough."""
    return [
        name
        for name in hidden_kernels(model)
        if int(np.prod(model.get_layer(name).kernel.shape)) > step.clusters
    ]


def expect_clustered(model: keras.Model, step: ClusterWeights) -> list[str]:
    """``clustered_layers``, but RecipeError if there are none."""
    names = clustered_layers(model, step)
    if not names:
        raise RecipeError(
            "cluster: expected convolutions or Dense layers with more weights than clusters "
            f"({step.clusters}) between the first and the last layer, found none; use fewer clusters, or "
            "leave the cluster step out"
        )
    return names


def distinct_values(layer: keras.layers.Layer) -> int:
    """Number of distinct values in a layer's kernel."""
    return len(np.unique(layer.kernel.numpy()))


def _is_pruned(layer: keras.layers.Layer) -> bool:
    return sparsity_of(layer) > PRUNED


def _wrapped(model: keras.Model, names: list[str], clusters: int) -> keras.Model:
    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in names:
            return layer
        return cluster_weights(
            layer,
            number_of_clusters=clusters,
            cluster_centroids_init=tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS,
            preserve_sparsity=_is_pruned(layer),
        )

    # The wrapper modifies the layer that it wraps, so it wraps those of a copy.
    return keras.models.clone_model(copied(model), clone_function=wrap)
