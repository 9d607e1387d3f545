"""The compression stage for recommenders: a loop over the steps of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.distil import distil
from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.history_distil import Evaluation
from hanji.compression.recommenders.low_rank import low_rank
from hanji.compression.recommenders.prune import prune
from hanji.compression.recommenders.quantize import quantize
from hanji.compression.recommenders.recipe import Recipe, check_recipe, check_sizes
from hanji.compression.recommenders.steps import Distil, LowRank, Prune, Scheme, Step
from hanji.training.errors import DataError
from hanji.training.progress import OnEpoch
from hanji.training.recommenders.cold_items import with_cold_items, without_cold_items
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Catalogue, Dataset
from hanji.training.recommenders.data.validation import TrainValidationSplit, train_validation_split
from hanji.training.recommenders.fit import default_supervision
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.inference import inference_config, inference_model
from hanji.training.recommenders.protocols import FULL, SAMPLED
from hanji.training.recommenders.scoring import evaluate_model
from hanji.training.recommenders.trained import TrainedModel


def compress(
    trained: TrainedModel,
    recipe: Recipe,
    dataset: Dataset,
    *,
    work: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> CompressedModel:
    """Apply the recipe to ``trained``; ``dataset`` is the one it was trained on.

    ``trained`` is not modified. Checkpoints in ``work`` let an interrupted run resume; ``on_epoch`` is called
    after each epoch of each fit. Every step works on the items with interactions; the rows of others are
    predicted at the end. The test set is used only at the end. Raises RecipeError for a step that
    this type of model does not support, DataError for data with other users or items than the model's.
    """
    _expect_same_ids(trained.catalogue, dataset.catalogue)
    dataset = dataset.without_cold_items()
    check_recipe(recipe, trained.config.type)
    check_sizes(recipe, trained.config, dataset.catalogue.items)
    fitting = fitting_of(dataset, trained.config, trained.training, seed=trained.seed)
    fitting = replace(fitting, work=work, on_epoch=on_epoch)
    config = inference_config(trained.config)
    scheme: Scheme = "float32"
    teacher: Evaluation | None = None
    full = without_cold_items(trained.model, trained.catalogue)
    model = _inference_model(full, trained.config, fitting.data)
    for index, step in enumerate(recipe.steps):
        fitting = replace(fitting, identity=_identity(trained, recipe.steps[: index + 1]))
        if isinstance(step, Distil):
            distilled = distil(model, trained.config, step, fitting)
            fitting, teacher = distilled.fitting, distilled.teacher
            model = _inference_model(distilled.student, distilled.config, fitting.data)
            config = inference_config(distilled.config)
        elif isinstance(step, LowRank):
            model = low_rank(model, step, fitting)
            config = model.config
        elif isinstance(step, Prune):
            model = prune(model, step, fitting)
        else:
            scheme = step.artifact_scheme
            model = quantize(model, step, fitting, keep_zeros=_prunes(recipe))
    metrics = evaluate_model(model, dataset)
    teacher_metrics = teacher(dataset) if teacher else None
    model = with_cold_items(model, trained.catalogue)
    return CompressedModel(
        model, config, scheme, recipe, metrics[SAMPLED], trained, teacher_metrics, metrics[FULL]
    )


def uncompressed(trained: TrainedModel) -> CompressedModel:
    """``trained`` itself, prepared for inference: the input of an export of the full model."""
    users, items = trained.catalogue.users, trained.catalogue.items
    model = inference_model(trained.model, trained.config, users=users, items=items)
    config = inference_config(trained.config)
    recipe = Recipe("full", ())
    return CompressedModel(
        model, config, "float32", recipe, trained.metrics, trained, full_ranking=trained.full_ranking
    )


def fitting_of(dataset: Dataset, config: ModelConfig, training: TrainingConfig, *, seed: int) -> Fitting:
    """The fitting at the start of a recipe, with supervision without a teacher."""
    data = train_validation_split(dataset, seed)
    supervision = default_supervision(config, data, training)
    return Fitting(data=data, supervision=supervision, training=training, seed=seed, identity="")


def _expect_same_ids(trained: Catalogue, found: Catalogue) -> None:
    if (trained.user_ids, trained.item_ids) != (found.user_ids, found.item_ids):
        raise DataError(
            "expected the data that the model was trained on, found other ids of users or items "
            f"({found.users:,} and {found.items:,} instead of {trained.users:,} and {trained.items:,}); "
            "train anew with this data"
        )


def _identity(trained: TrainedModel, steps: Sequence[Step]) -> str:
    """Identifies the full model and the steps so far; later steps do not affect their result."""
    return f"{Recipe('prefix', tuple(steps)).sha256} {sorted(trained.metrics.items())}"


def _inference_model(model: keras.Model, config: ModelConfig, data: TrainValidationSplit) -> keras.Model:
    return inference_model(model, config, users=data.users, items=data.items)


def _prunes(recipe: Recipe) -> bool:
    return any(isinstance(step, Prune) for step in recipe.steps)
