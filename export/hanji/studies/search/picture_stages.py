"""What a search does with classifiers of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import tf_keras as keras

from hanji.compression.images.channels import cut_channels
from hanji.compression.images.compress import compress_classifier, uncompressed_classifier
from hanji.compression.images.compressed import CompressedClassifier
from hanji.compression.images.notes import scheme_of
from hanji.compression.images.prune import expect_pruned
from hanji.compression.images.quantize import calibration_pictures
from hanji.compression.images.recipe import ImageRecipe
from hanji.compression.images.steps import Channels, Distil, Prune, Quantize
from hanji.export.answers import Question
from hanji.export.artifacts import Converted
from hanji.export.config import Format
from hanji.export.images.artifacts import ClassifierFiles
from hanji.export.images.build import image_plan_of
from hanji.export.images.signature import CLASSIFY, IMAGE
from hanji.export.images.writer import export_classifier
from hanji.studies.search.drawn_weights import draw_weights, zero_smallest
from hanji.studies.study import file_of
from hanji.studies.variant import FULL, Variant
from hanji.training.images.data import ImageDataset, load_images
from hanji.training.images.models.folding import fold_batch_norms
from hanji.training.images.train import network_for, picture_of
from hanji.training.images.trained import TrainedClassifier, load_classifier, summarize
from hanji.training.recipe_file import RecipeFile

_CALIBRATION = 32
"""Pictures that set ranges which only have to be there."""


class PictureStages:
    """The stages of one recipe file's classifiers; ``work`` holds what they share."""

    def __init__(self, base: RecipeFile, data: Path | None, work: Path) -> None:
        self.base, self.work = base, work
        self.plan = image_plan_of(file_of(base, FULL, base.seed))
        self.dataset: ImageDataset = load_images(self.plan.data, data, seed=base.seed)

    def parameters(self, twin: Variant) -> int:
        """Numbers that a file of this shape holds; RecipeError where there can be no such network.

        Of a batch normalization only the shift is left, as a bias; all else goes into the kernel before.
        """
        weights = self._network(self._recipe(twin)).trainable_weights
        return sum(int(weight.shape.num_elements()) for weight in weights if "gamma" not in weight.name)

    def untrained(self, twin: Variant, target: Format) -> Converted:
        """The file of a network whose weights are drawn at random."""
        recipe = self._recipe(twin)
        network = self._network(recipe)
        draw_weights(network)
        for step in (step for step in recipe.steps if isinstance(step, Prune)):
            zero_smallest(network, expect_pruned(network, step), step.sparsity)
        quantization = next((step for step in recipe.steps if isinstance(step, Quantize)), Quantize())
        compressed = CompressedClassifier(
            model=fold_batch_norms(network),
            config=self.plan.model,
            scheme=scheme_of(recipe),
            calibration=calibration_pictures(self.dataset.train, _CALIBRATION, self.base.seed),
            temperature=1.0,
            sparse=any(isinstance(step, Prune) and step.sparse_storage for step in recipe.steps),
            float_layers=quantization.float_layers,
            recipe=recipe,
            metrics={},
            full=self._untrained_full,
        )
        return ClassifierFiles(compressed, edge_tpu=self.plan.export.edge_tpu).converted(target)

    def question(self, converted: Converted) -> Question:
        """A picture of noise in the type that the artifact takes."""
        tensor = converted.artifact.signatures[CLASSIFY].inputs[0]
        levels = np.random.default_rng(0).integers(0, 128, (1, *self._untrained_full.picture.shape))
        return Question(CLASSIFY, {IMAGE: levels.astype(tensor.dtype)})

    def export(
        self, variant: Variant, out: Path, formats: Sequence[Format], checkpoints: Path, *, tested: bool
    ) -> None:
        """Compress and export into ``out``; the bundle tells metrics of the test set only if ``tested``."""
        dataset = self.dataset if tested else replace(self.dataset, test=self.dataset.validation)
        trained = load_classifier(self.work / "trained")
        if variant.tables:
            recipe = ImageRecipe.of_tables(variant.name, list(variant.tables), str(self.base.path))
            compressed = compress_classifier(trained, recipe, dataset, work=checkpoints)
        else:
            pictures = calibration_pictures(dataset.train, _CALIBRATION, trained.seed)
            compressed = uncompressed_classifier(trained, pictures)
        edge_tpu = self.plan.export.edge_tpu and bool(variant.tables)
        export_classifier(
            compressed, out, formats=formats, test=dataset.test, edge_tpu=edge_tpu, replace=True
        )

    def _recipe(self, twin: Variant) -> ImageRecipe:
        return ImageRecipe.of_tables(twin.name, list(twin.tables), str(self.base.path))

    def _network(self, recipe: ImageRecipe) -> keras.Model:
        """Untrained, in the shape that the recipe leaves."""
        config = self.plan.model
        network = network_for(config, self.dataset)
        for step in recipe.steps:
            if isinstance(step, Distil):
                config = step.model or config
                network = network_for(config, self.dataset)
            elif isinstance(step, Channels):
                network = cut_channels(network, keep=step.keep, criterion=step.criterion)
        return network

    @cached_property
    def _untrained_full(self) -> TrainedClassifier:
        plan, dataset = self.plan, self.dataset
        return TrainedClassifier(
            model=network_for(plan.model, dataset),
            labels=dataset.labels,
            names=dataset.names,
            picture=picture_of(dataset),
            metrics={},
            config=plan.model,
            training=plan.training,
            data=summarize(dataset, plan.data),
            seed=self.base.seed,
        )


__all__ = ["PictureStages"]
