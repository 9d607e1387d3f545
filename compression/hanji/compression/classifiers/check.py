"""Checks of a recipe against a network, made before any training starts."""

from __future__ import annotations

import tf_keras as keras

from hanji.compression.classifiers.clustering import expect_clustered
from hanji.compression.classifiers.distillation.distil import pooled_features, student_network
from hanji.compression.classifiers.pruning.channels import prune_channels
from hanji.compression.classifiers.pruning.magnitude import expect_pruned
from hanji.compression.classifiers.quantization.qat import expect_layers
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    PruneChannels,
)
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.models.quantizable import qat_obstacle
from hanji.training.errors import RecipeError


def check_image_recipe(
    recipe: ImageRecipe, model: keras.Model, config: ImageModelConfig | None, dataset: ImageDataset
) -> None:
    """RecipeError for a step that ``model``, or the student distilled from it, does not support."""
    network = model
    for step in recipe.steps:
        if isinstance(step, ImageDistil):
            network = student_network(model, step.model or config, dataset)
            if step.feature_weight:
                pooled_features(model, step.feature_layer)
                pooled_features(network, step.feature_layer)
        elif isinstance(step, PruneChannels):
            network = prune_channels(network, keep=step.keep, criterion=step.criterion)
        elif isinstance(step, ImagePrune):
            expect_pruned(network, step)
        elif isinstance(step, ClusterWeights):
            expect_clustered(network, step)
        else:
            _expect_quantizable(network, config, step)


def _expect_quantizable(network: keras.Model, config: ImageModelConfig | None, step: ImageQuantize) -> None:
    expect_layers(network, step.float_layers)
    obstacle = qat_obstacle(network) if step.scheme == "int8-qat" and config is None else None
    if obstacle:
        raise RecipeError(f"int8-qat cannot train this network: {obstacle}; int8 only calibrates")


__all__ = ["check_image_recipe"]
