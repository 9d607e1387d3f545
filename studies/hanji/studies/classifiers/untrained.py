"""Classifiers with the architecture that a recipe produces and random weights, for sizes and latencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.pruning.channels import prune_channels
from hanji.compression.classifiers.pruning.magnitude import expect_pruned
from hanji.compression.classifiers.quantization.quantize import calibration_images
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE
from hanji.compression.classifiers.steps import ImageDistil, ImagePrune, PruneChannels
from hanji.export.bundle.artifact import Converted
from hanji.export.bundle.queries import Query
from hanji.export.classifiers.artifacts import ClassifierFiles
from hanji.export.formats.names import Format
from hanji.export.pipeline import Plan
from hanji.studies.drawn_weights import draw_weights, zero_smallest
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.folding import fold_batch_norms
from hanji.training.classifiers.train import image_of, network_for
from hanji.training.classifiers.trained import TrainedClassifier, summarize

_CALIBRATION = 32
"""Number of calibration images; the ranges do not matter."""


@dataclass(frozen=True)
class UntrainedClassifiers:
    """Implements ``UntrainedModels``."""

    plan: Plan
    dataset: ImageDataset

    def parameters(self, recipe: ImageRecipe) -> int:
        """See UntrainedModels.

        Batch normalizations count with their shift only, as a bias; the rest is folded into the kernel.
        """
        weights = self._network(recipe).trainable_weights
        return sum(int(weight.shape.num_elements()) for weight in weights if "gamma" not in weight.name)

    def converted(self, recipe: ImageRecipe, target: Format) -> Converted:
        """See UntrainedModels."""
        network = self._network(recipe)
        draw_weights(network)
        for step in (step for step in recipe.steps if isinstance(step, ImagePrune)):
            zero_smallest(network, expect_pruned(network, step), step.sparsity)
        compressed = CompressedClassifier(
            model=fold_batch_norms(network),
            config=self.plan.model,
            scheme=recipe.scheme,
            calibration=calibration_images(self.dataset.train, _CALIBRATION, self.plan.file.seed),
            temperature=1.0,
            sparse=recipe.sparse,
            float_layers=recipe.quantization.float_layers,
            recipe=recipe,
            metrics={},
            full=self._full,
        )
        return ClassifierFiles(compressed, edge_tpu=self.plan.export.edge_tpu).converted(target)

    def query(self, converted: Converted) -> Query:
        """An image of noise in the dtype of the artifact's input."""
        tensor = converted.artifact.signatures[CLASSIFY].inputs[0]
        levels = np.random.default_rng(0).integers(0, 128, (1, *self._full.image_input.shape))
        return Query(CLASSIFY, {IMAGE: levels.astype(tensor.dtype)})

    def _network(self, recipe: ImageRecipe) -> keras.Model:
        config = self.plan.model
        network = network_for(config, self.dataset)
        for step in recipe.steps:
            if isinstance(step, ImageDistil):
                config = step.model or config
                network = network_for(config, self.dataset)
            elif isinstance(step, PruneChannels):
                network = prune_channels(network, keep=step.keep, criterion=step.criterion)
        return network

    @cached_property
    def _full(self) -> TrainedClassifier:
        plan, dataset = self.plan, self.dataset
        return TrainedClassifier(
            model=network_for(plan.model, dataset),
            labels=dataset.labels,
            names=dataset.names,
            image_input=image_of(dataset),
            metrics={},
            config=plan.model,
            training=plan.training,
            data=summarize(dataset),
            seed=plan.file.seed,
        )


__all__ = ["UntrainedClassifiers"]
