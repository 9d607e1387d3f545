"""The compression stage: a loop over the steps of a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.compression.compressed import CompressedModel
from hanji.compression.distil import distil, student_config
from hanji.compression.fitting import Fitting
from hanji.compression.prune import prune
from hanji.compression.quantize import quantize, scheme_of
from hanji.compression.recipe import Recipe
from hanji.compression.steps import Distil, Prune, Scheme
from hanji.compression.teacher import teacher_logits, teacher_targets
from hanji.training.data import Dataset
from hanji.training.fitting_data import FittingData, fitting_data
from hanji.training.models.config import ModelConfig
from hanji.training.models.inference import inference_config, inference_model
from hanji.training.samples import positives_and_negatives
from hanji.training.train import evaluate_model
from hanji.training.trained import TrainedModel


def compress(
    trained: TrainedModel, recipe: Recipe, dataset: Dataset, *, work: Path | None = None
) -> CompressedModel:
    """Carry the recipe out on ``trained``; ``dataset`` is the one it was trained on.

    ``trained`` is left as it is. Checkpoints go to ``work``. The test set is read once, at the end.
    """
    fitting = _fitting(trained, recipe, dataset, work)
    config = inference_config(trained.config)
    scheme: Scheme = "float32"
    model = _bare(trained.model, trained.config, fitting.data)
    for step in recipe.steps:
        if isinstance(step, Distil):
            logits = teacher_logits(step, model, fitting)
            fitting = replace(fitting, samples=teacher_targets(fitting.samples, logits, step.teacher_weight))
            learning = student_config(trained.config, step)
            model = _bare(distil(learning, step, fitting), learning, fitting.data)
            config = inference_config(learning)
        elif isinstance(step, Prune):
            model = prune(model, step, fitting)
        else:
            scheme = scheme_of(step)
            model = quantize(model, step, fitting, keep_zeros=_prunes(recipe))
    return CompressedModel(model, config, scheme, recipe, evaluate_model(model, dataset), trained)


def uncompressed(trained: TrainedModel) -> CompressedModel:
    """``trained`` itself, made for inference: what an export of the full model starts from."""
    users, items = trained.catalogue.users, trained.catalogue.items
    model = inference_model(trained.model, trained.config, users=users, items=items)
    config = inference_config(trained.config)
    return CompressedModel(model, config, "float32", Recipe("full", ()), trained.metrics, trained)


def _fitting(trained: TrainedModel, recipe: Recipe, dataset: Dataset, work: Path | None) -> Fitting:
    data = fitting_data(dataset, trained.seed)
    negatives = trained.training.negatives
    return Fitting(
        data=data,
        samples=positives_and_negatives(data.train, items=data.items, negatives=negatives),
        training=trained.training,
        seed=trained.seed,
        work=work,
        identity=f"{recipe.sha256} {sorted(trained.metrics.items())}",
    )


def _bare(model: keras.Model, config: ModelConfig, data: FittingData) -> keras.Model:
    return inference_model(model, config, users=data.users, items=data.items)


def _prunes(recipe: Recipe) -> bool:
    return any(isinstance(step, Prune) for step in recipe.steps)
