"""What can be told of a recipe before anything long begins."""

from __future__ import annotations

import tf_keras as keras

from hanji.compression.images.channels import cut_channels
from hanji.compression.images.cluster import expect_clustered
from hanji.compression.images.distil import pooled_features, student_network
from hanji.compression.images.prune import expect_pruned
from hanji.compression.images.quantization_aware import expect_layers
from hanji.compression.images.recipe import ImageRecipe
from hanji.compression.images.steps import Channels, Cluster, Distil, Prune, Quantize
from hanji.training.errors import RecipeError
from hanji.training.images.data import ImageDataset
from hanji.training.images.models.config import ImageModelConfig
from hanji.training.images.models.quantizable import qat_obstacle


def check_image_recipe(
    recipe: ImageRecipe, model: keras.Model, config: ImageModelConfig | None, dataset: ImageDataset
) -> None:
    """RecipeError for a step that ``model``, or the student that it is to teach, cannot take."""
    network = model
    for step in recipe.steps:
        if isinstance(step, Distil):
            network = student_network(model, step.model or config, dataset)
            if step.feature_weight:
                pooled_features(model, step.feature_layer)
                pooled_features(network, step.feature_layer)
        elif isinstance(step, Channels):
            network = cut_channels(network, keep=step.keep, criterion=step.criterion)
        elif isinstance(step, Prune):
            expect_pruned(network, step)
        elif isinstance(step, Cluster):
            expect_clustered(network, step)
        else:
            _expect_quantizable(network, config, step)


def _expect_quantizable(network: keras.Model, config: ImageModelConfig | None, step: Quantize) -> None:
    expect_layers(network, step.float_layers)
    obstacle = qat_obstacle(network) if step.scheme == "int8-qat" and config is None else None
    if obstacle:
        raise RecipeError(f"int8-qat cannot train this network: {obstacle}; int8 only calibrates")


__all__ = ["check_image_recipe"]
