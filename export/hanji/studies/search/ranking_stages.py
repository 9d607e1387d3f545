"""What a search does with recommenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tf_keras as keras

from hanji.compression.compress import compress, uncompressed
from hanji.compression.distil import student_config
from hanji.compression.fake_quantization import fake_quantized
from hanji.compression.fitting import Fitting
from hanji.compression.quantize import calibrate, scheme_of
from hanji.compression.recipe import Recipe, check_recipe, recipe_of_tables
from hanji.compression.steps import ROW_BITS, Distil, LowRank, Quantize, Scheme
from hanji.export.answers import Question
from hanji.export.artifacts import Converted, convert
from hanji.export.build import plan_of
from hanji.export.config import Format
from hanji.export.manifest import parameters
from hanji.export.writer import export_bundle
from hanji.studies.search.drawn_weights import draw_weights
from hanji.studies.study import file_of
from hanji.studies.variant import FULL, Variant
from hanji.training.data import Dataset, load_dataset
from hanji.training.errors import RecipeError
from hanji.training.fitting_data import fitting_data
from hanji.training.models.build import build_model
from hanji.training.models.history import HistoryModel
from hanji.training.models.inference import inference_config
from hanji.training.recipe_file import RecipeFile
from hanji.training.train import what_to_fit
from hanji.training.trained import load_trained

_CALIBRATION = 2
"""Users that set ranges which only have to be there."""

_HISTORY = 30
"""Items of the history that the engine is timed with."""


class RankingStages:
    """The stages of one recipe file's recommenders; ``work`` holds what they share."""

    def __init__(self, base: RecipeFile, data: Path | None, work: Path) -> None:
        self.base, self.work = base, work
        self.plan = plan_of(file_of(base, FULL, base.seed))
        self.dataset: Dataset = load_dataset(self.plan.data, data)

    def parameters(self, twin: Variant) -> int:
        """Numbers that a model of this shape learns; RecipeError where there can be no such model."""
        return parameters(self._model(self._recipe(twin)))

    def untrained(self, twin: Variant, target: Format) -> Converted:
        """The file of a model whose weights are drawn at random."""
        recipe = self._recipe(twin)
        model = self._model(recipe)
        draw_weights(model)
        scheme: Scheme = "float32"
        for step in (step for step in recipe.steps if isinstance(step, Quantize)):
            scheme = scheme_of(step)
            model = self._rounded(model, scheme)
        return convert(model, self.dataset.catalogue.items, scheme, target)

    def question(self, converted: Converted) -> Question:
        """The whole catalogue for somebody."""
        items = self.dataset.catalogue.items
        if "history" in converted.artifact.signatures:
            return Question("history", {"history": np.arange(min(_HISTORY, items), dtype=np.int32)})
        return Question("catalogue", {"user": np.zeros(1, np.int32)})

    def export(
        self, variant: Variant, out: Path, formats: Sequence[Format], checkpoints: Path, *, tested: bool
    ) -> None:
        """Compress and export into ``out``; the bundle tells metrics of the test set only if ``tested``."""
        held_out = fitting_data(self.dataset, self.base.seed)
        dataset = self.dataset if tested else replace(self.dataset, test=held_out.validation)
        trained = load_trained(self.work / "trained")
        if variant.tables:
            recipe = recipe_of_tables(variant.name, list(variant.tables), str(self.base.path))
            compressed = compress(trained, recipe, dataset, work=checkpoints)
        else:
            compressed = uncompressed(trained)
        export = self.plan.export
        export_bundle(
            compressed,
            out,
            formats=formats,
            unknown_user=export.unknown_user,
            unknown_item=export.unknown_item,
            replace=True,
        )

    def _recipe(self, twin: Variant) -> Recipe:
        recipe = recipe_of_tables(twin.name, list(twin.tables), str(self.base.path))
        check_recipe(recipe, self.plan.model.type)
        return recipe

    def _model(self, recipe: Recipe) -> keras.Model:
        """Untrained, in the shape that the recipe leaves."""
        config = inference_config(self.plan.model)
        for step in recipe.steps:
            if isinstance(step, Distil):
                config = inference_config(student_config(self.plan.model, step))
            elif isinstance(step, LowRank):
                if step.embedding_size >= config.embedding_size:
                    raise RecipeError(
                        f"low-rank: expected fewer factors than the model's {config.embedding_size}, found "
                        f"embedding_size = {step.embedding_size}"
                    )
                config = replace(config, embedding_size=step.embedding_size)
        catalogue = self.dataset.catalogue
        return build_model(config, users=catalogue.users, items=catalogue.items)

    def _rounded(self, model: keras.Model, scheme: Scheme) -> keras.Model:
        """``model`` as its export will compute; no step of training."""
        if isinstance(model, HistoryModel):
            if scheme not in ROW_BITS:
                return model
            rounded = HistoryModel(model.config, model.items, row_bits=ROW_BITS[scheme])
            rounded.set_weights(model.get_weights())
            rounded.item_table.assign(rounded.table())
            return rounded
        if scheme != "int8":
            return model
        rounded = fake_quantized(model)
        calibrate(rounded, self._fitting(), _CALIBRATION)
        return rounded

    def _fitting(self) -> Fitting:
        data = fitting_data(self.dataset, self.base.seed)
        epochs, objective = what_to_fit(self.plan.model, data, self.plan.training)
        return Fitting(data, epochs, objective, self.plan.training, self.base.seed, work=None, identity="")


__all__ = ["RankingStages"]
