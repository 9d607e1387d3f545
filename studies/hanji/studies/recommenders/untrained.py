"""Recommenders with the architecture that a recipe produces and random weights, for sizes and latencies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tf_keras as keras

from hanji.compression.recommenders.compress import fitting_of
from hanji.compression.recommenders.distil import student_config
from hanji.compression.recommenders.fake_quantization import fake_quantized
from hanji.compression.recommenders.low_rank import expect_lower_rank
from hanji.compression.recommenders.quantize import calibrate, with_quantized_rows
from hanji.compression.recommenders.recipe import Recipe, check_recipe
from hanji.compression.recommenders.steps import ROW_BITS, Distil, LowRank
from hanji.export.bundle.artifact import Converted
from hanji.export.bundle.manifest import parameters
from hanji.export.bundle.queries import Query
from hanji.export.formats.names import Format
from hanji.export.pipeline import Plan
from hanji.export.recommenders.artifacts import convert
from hanji.studies.drawn_weights import draw_weights
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.inference import inference_config
from hanji.training.recommenders.train import known_order

_CALIBRATION = 2
"""Number of calibration users; the ranges do not matter."""

_HISTORY = 30
"""Length of the history in latency measurements."""


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
        return convert(self._quantized(model, recipe), self.dataset.catalogue.items, recipe.scheme, target)

    def query(self, converted: Converted) -> Query:
        """The scores of the whole catalogue for one user or history."""
        items = self.dataset.catalogue.items
        if "history" in converted.artifact.signatures:
            return Query("history", {"history": np.arange(min(_HISTORY, items), dtype=np.int32)})
        return Query("catalogue", {"user": np.zeros(1, np.int32)})

    @cached_property
    def _full(self) -> ModelConfig:
        """The full model, as it is trained on this data."""
        return known_order(self.plan.model, self.dataset.train)

    def _model(self, recipe: Recipe) -> keras.Model:
        check_recipe(recipe, self.plan.model.type)
        config = inference_config(self._full)
        for step in recipe.steps:
            if isinstance(step, Distil):
                config = inference_config(student_config(self._full, step))
            elif isinstance(step, LowRank):
                expect_lower_rank(config, step)
                config = replace(config, embedding_size=step.embedding_size)
        catalogue = self.dataset.catalogue
        return build_model(config, users=catalogue.users, items=catalogue.items)

    def _quantized(self, model: keras.Model, recipe: Recipe) -> keras.Model:
        """``model`` with the numerics of its export."""
        if recipe.scheme in ROW_BITS:
            return with_quantized_rows(model, recipe.scheme)
        if recipe.scheme != "int8":
            return model
        quantized = fake_quantized(model)
        plan = self.plan
        fitting = fitting_of(self.dataset, plan.model, plan.training, seed=plan.file.seed)
        calibrate(quantized, fitting, _CALIBRATION)
        return quantized


__all__ = ["UntrainedRecommenders"]
