"""Recipes for image classifiers.

A recipe is the ``[[compression]]`` part of a TOML file with ``task = "image-classification"`` at its top
level, one table per step::

    name = "tiny"
    task = "image-classification"

    [[compression]]
    type = "distil"
    epochs = 40

    [compression.model]
    type = "mobilenet-v1"
    width_multiplier = 0.25

    [[compression]]
    type = "quantize"
    scheme = "int8-qat"
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    ImageScheme,
    ImageStep,
    PruneChannels,
)
from hanji.compression.recipe_base import RecipeBase
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.settings import settings_from


class ImageRecipe(RecipeBase[ImageStep]):
    """A named, ordered tuple of steps for an image classifier."""

    step_types: ClassVar = {
        "distil": ImageDistil,
        "channels": PruneChannels,
        "prune": ImagePrune,
        "cluster": ClusterWeights,
        "quantize": ImageQuantize,
    }
    task = "image-classification"
    built_in = Path(__file__).parent / "recipes"

    @property
    def quantization(self) -> ImageQuantize:
        """The quantize step, or one with default options if the recipe has none."""
        return next((step for step in self.steps if isinstance(step, ImageQuantize)), ImageQuantize())

    @property
    def scheme(self) -> ImageScheme:
        """The scheme of the exported artifacts."""
        return next((step.scheme for step in self.steps if isinstance(step, ImageQuantize)), "float32")

    @property
    def trains(self) -> bool:
        """Whether a step changes the weights; the others leave everything to the converter."""
        return any(not isinstance(step, ImageQuantize) or step.scheme == "int8-qat" for step in self.steps)

    @property
    def sparse(self) -> bool:
        """Whether pruned kernels are stored as sparse tensors."""
        return any(isinstance(step, ImagePrune) and step.sparse_storage for step in self.steps)

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = {type(step) for step in self.steps}
        if self.sparse and kinds & {ClusterWeights, ImageQuantize}:
            raise ValueError(
                "sparse_storage is for float32 files: expected no cluster or quantize step after such a "
                "prune step, found one; leave sparse_storage out, or the later step"
            )

    @classmethod
    def _step_of(cls, table: dict[str, Any], where: str) -> ImageStep:
        if "model" in table:
            model = settings_from(ImageModelConfig, table["model"], f"{where}.model")
            table = {**table, "model": model}
        return super()._step_of(table, where)
