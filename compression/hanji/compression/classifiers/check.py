"""Checks of a recipe against a network, made before any training starts."""

from __future__ import annotations

import tf_keras as keras

from hanji.compression.classifiers.clustering import expect_clustered
from hanji.compression.classifiers.distillation.distil import pooled_features, student_network
from hanji.compression.classifiers.pruning.channels import prune_channels
from hanji.compression.classifiers.pruning.magnitude import expect_pruned
from hanji.compression.classifiers.quantization.exportable import calibration_obstacle, qat_export_obstacle
from hanji.compression.classifiers.quantization.qat import expect_layers, quantization_aware
from hanji.compression.classifiers.quantization.quantize import quantizable
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    CALIBRATED,
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
    """RecipeError if the scheme is for model files, or does not suit a network of other layers than ours."""
    if step.scheme == "int8-weights":
        raise RecipeError(
            "int8-weights is for .onnx and .tflite files; use dynamic, which stores the weights of a Keras "
            "network in as many bits"
        )
    expect_layers(network, step.float_layers)
    if config is not None:
        return
    loop = next((layer for layer in network.layers if _is_loop(layer)), None)
    if loop is not None and step.scheme in ("int8", "int8-qat", "int16x8"):
        raise RecipeError(
            f"{step.scheme}: the layer {loop.name!r} ({type(loop).__name__}) is a loop over time steps, "
            "which TensorFlow Lite cannot quantize; use float16 or dynamic, or build the layer with "
            "unroll=True and use int8"
        )
    if step.scheme == "int8-qat" and (obstacle := _qat_obstacle(network, step)):
        possible = "float16 or dynamic" if calibration_obstacle(network) else "int8, which only calibrates"
        raise RecipeError(f"int8-qat cannot train this network: {obstacle}; use {possible}")
    if step.scheme in CALIBRATED and (obstacle := calibration_obstacle(network)):
        raise RecipeError(
            f"{step.scheme}: TensorFlow Lite cannot quantize this network: {obstacle}; use float16 or "
            "dynamic, which need no calibration"
        )


def _is_loop(layer: keras.layers.Layer) -> bool:
    inner = getattr(layer, "layer", layer)  # of a Bidirectional or TimeDistributed
    return isinstance(inner, keras.layers.RNN) and not getattr(inner, "unroll", False)


def _qat_obstacle(network: keras.Model, step: ImageQuantize) -> str | None:
    """Why quantization-aware training, or the export after it, would fail."""
    try:
        prepared = quantizable(network)
    except (ValueError, TypeError) as error:  # a network that cannot be rebuilt
        return qat_obstacle(network) or str(error)
    if obstacle := qat_obstacle(prepared):
        return obstacle
    try:
        return qat_export_obstacle(quantization_aware(prepared, float_layers=step.float_layers))
    except RecipeError as error:
        return str(error)


__all__ = ["check_image_recipe"]
