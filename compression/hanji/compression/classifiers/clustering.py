"""Weight clustering: the weights of each kernel share a few values (Han et al. 2016), by TFMOT.

A kernel of k values compresses well. It takes fewer bytes only where the file is compressed: stored as it is,
every weight still has its own number, and no engine computes any faster.
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

LEAST_WITH_ZEROS = 3  # one of them zero, one below, one above
PRUNED = 0.01  # a kernel with more zeros than this fraction was pruned


def cluster(model: keras.Model, step: ClusterWeights, fitting: Fitting) -> keras.Model:
    """A copy of ``model`` with at most ``step.clusters`` values in each clustered kernel; zeros stay zeros.

    RecipeError if there is no layer that the step clusters.
    """
    names = expect_clustered(model, step)
    zeros = any(_is_pruned(model.get_layer(name)) for name in names)
    if zeros and step.clusters < LEAST_WITH_ZEROS:
        raise RecipeError(
            f"cluster: expected at least {LEAST_WITH_ZEROS} clusters after a prune step, so that one can be "
            f"zero, found {step.clusters}"
        )
    wrapped = _wrapped(model, names, step.clusters)
    seed_everything(fitting.seed)
    fitting.fit(wrapped, fitting.schedule(step, averaged=False), "Clustering")
    return tfmot.clustering.keras.strip_clustering(wrapped)


def clustered_layers(model: keras.Model, step: ClusterWeights) -> list[str]:
    """The layers of which ``step`` clusters the kernel: those that prune would prune, if large enough."""
    return [
        name
        for name in hidden_kernels(model)
        if int(np.prod(model.get_layer(name).kernel.shape)) > step.clusters
    ]


def expect_clustered(model: keras.Model, step: ClusterWeights) -> list[str]:
    """The same layers; RecipeError if there are none."""
    names = clustered_layers(model, step)
    if not names:
        raise RecipeError(
            "cluster: expected convolutions or Dense layers of more weights than there are clusters "
            f"({step.clusters}) between the first and the last layer, found none; take fewer clusters, "
            "or leave the cluster step out"
        )
    return names


def values_of(layer: keras.layers.Layer) -> int:
    """How many different values a layer's kernel holds."""
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

    # A wrapper changes the layer that it is given, so it gets one of a copy.
    return keras.models.clone_model(copied(model), clone_function=wrap)
