"""The compression stage: a loop over the steps of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.compression.compressed import CompressedModel
from hanji.compression.distil import distil
from hanji.compression.fitting import Fitting
from hanji.compression.low_rank import low_rank
from hanji.compression.prune import prune
from hanji.compression.quantize import quantize, scheme_of
from hanji.compression.recipe import Recipe, check_recipe
from hanji.compression.steps import Distil, LowRank, Prune, Scheme, Step
from hanji.training.data import Dataset
from hanji.training.fitting_data import FittingData, fitting_data
from hanji.training.models.config import ModelConfig
from hanji.training.models.inference import inference_config, inference_model
from hanji.training.reference.histories import ScoresOf
from hanji.training.train import evaluate_model, evaluate_scores, what_to_fit
from hanji.training.trained import TrainedModel


def compress(
    trained: TrainedModel, recipe: Recipe, dataset: Dataset, *, work: Path | None = None
) -> CompressedModel:
    """Carry the recipe out on ``trained``; ``dataset`` is the one it was trained on.

    ``trained`` is left as it is. Checkpoints go to ``work``. The test set is read once, at the end.
    Raises RecipeError for a step that this kind of model cannot take.
    """
    check_recipe(recipe, trained.config.type)
    fitting = _fitting(trained, dataset, work)
    config = inference_config(trained.config)
    scheme: Scheme = "float32"
    teacher: ScoresOf | None = None
    model = _bare(trained.model, trained.config, fitting.data)
    for place, step in enumerate(recipe.steps):
        fitting = replace(fitting, identity=_identity(trained, recipe.steps[: place + 1]))
        if isinstance(step, Distil):
            distilled = distil(model, trained.config, step, fitting)
            fitting, teacher = distilled.fitting, distilled.teacher
            model = _bare(distilled.student, distilled.config, fitting.data)
            config = inference_config(distilled.config)
        elif isinstance(step, LowRank):
            model = low_rank(model, step, fitting)
            config = model.config
        elif isinstance(step, Prune):
            model = prune(model, step, fitting)
        else:
            scheme = scheme_of(step)
            model = quantize(model, step, fitting, keep_zeros=_prunes(recipe))
    metrics = evaluate_model(model, dataset)
    taught_by = evaluate_scores(teacher, dataset) if teacher else None
    return CompressedModel(model, config, scheme, recipe, metrics, trained, taught_by)


def uncompressed(trained: TrainedModel) -> CompressedModel:
    """``trained`` itself, made for inference: what an export of the full model starts from."""
    users, items = trained.catalogue.users, trained.catalogue.items
    model = inference_model(trained.model, trained.config, users=users, items=items)
    config = inference_config(trained.config)
    return CompressedModel(model, config, "float32", Recipe("full", ()), trained.metrics, trained)


def _fitting(trained: TrainedModel, dataset: Dataset, work: Path | None) -> Fitting:
    data = fitting_data(dataset, trained.seed)
    epochs, objective = what_to_fit(trained.config, data, trained.training)
    return Fitting(
        data=data,
        epochs=epochs,
        objective=objective,
        training=trained.training,
        seed=trained.seed,
        work=work,
        identity="",
    )


def _identity(trained: TrainedModel, steps: Sequence[Step]) -> str:
    """Of the full model and the steps so far: what comes later does not change what they make."""
    return f"{Recipe('so far', tuple(steps)).sha256} {sorted(trained.metrics.items())}"


def _bare(model: keras.Model, config: ModelConfig, data: FittingData) -> keras.Model:
    return inference_model(model, config, users=data.users, items=data.items)


def _prunes(recipe: Recipe) -> bool:
    return any(isinstance(step, Prune) for step in recipe.steps)
