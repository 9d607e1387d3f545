"""Recommenders with random weights in the shape that a recipe leaves: for sizes and latencies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import tf_keras as keras

from hanji.compression.recommenders.compress import fitting_of
from hanji.compression.recommenders.distil import student_config
from hanji.compression.recommenders.fake_quantization import fake_quantized
from hanji.compression.recommenders.low_rank import expect_lower_rank
from hanji.compression.recommenders.quantize import calibrate, row_rounded
from hanji.compression.recommenders.recipe import Recipe, check_recipe
from hanji.compression.recommenders.steps import ROW_BITS, Distil, LowRank
from hanji.export.bundle.answers import Question
from hanji.export.bundle.artifact import Converted
from hanji.export.bundle.manifest import parameters
from hanji.export.formats.names import Format
from hanji.export.pipeline import Plan
from hanji.export.recommenders.artifacts import convert
from hanji.studies.drawn_weights import draw_weights
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.inference import inference_config

_CALIBRATION = 2
"""Users for calibration: the ranges do not matter."""

_HISTORY = 30
"""Items of the history that the engine is timed with."""


@dataclass(frozen=True)
class UntrainedRecommenders:
    """Implements ``UntrainedModels``."""

    plan: Plan
    dataset: Dataset

    def parameters(self, recipe: Recipe) -> int:
        """See UntrainedModels."""
        return parameters(self._model(recipe))

    def converted(self, recipe: Recipe, target: Format) -> Converted:
        """See UntrainedModels."""
        model = self._model(recipe)
        draw_weights(model)
        return convert(self._rounded(model, recipe), self.dataset.catalogue.items, recipe.scheme, target)

    def question(self, converted: Converted) -> Question:
        """The whole catalogue for one user."""
        items = self.dataset.catalogue.items
        if "history" in converted.artifact.signatures:
            return Question("history", {"history": np.arange(min(_HISTORY, items), dtype=np.int32)})
        return Question("catalogue", {"user": np.zeros(1, np.int32)})

    def _model(self, recipe: Recipe) -> keras.Model:
        check_recipe(recipe, self.plan.model.type)
        config = inference_config(self.plan.model)
        for step in recipe.steps:
            if isinstance(step, Distil):
                config = inference_config(student_config(self.plan.model, step))
            elif isinstance(step, LowRank):
                expect_lower_rank(config, step)
                config = replace(config, embedding_size=step.embedding_size)
        catalogue = self.dataset.catalogue
        return build_model(config, users=catalogue.users, items=catalogue.items)

    def _rounded(self, model: keras.Model, recipe: Recipe) -> keras.Model:
        """``model`` as its export computes."""
        if recipe.scheme in ROW_BITS:
            return row_rounded(model, recipe.scheme)
        if recipe.scheme != "int8":
            return model
        rounded = fake_quantized(model)
        plan = self.plan
        fitting = fitting_of(self.dataset, plan.model, plan.training, seed=plan.file.seed)
        calibrate(rounded, fitting, _CALIBRATION)
        return rounded


__all__ = ["UntrainedRecommenders"]
