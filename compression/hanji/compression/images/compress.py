"""The compression stage for classifiers: a loop over the steps of a recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.images.channels import channels
from hanji.compression.images.check import check_image_recipe
from hanji.compression.images.cluster import cluster
from hanji.compression.images.compressed import CompressedClassifier
from hanji.compression.images.distil import distil
from hanji.compression.images.fitting import Fitting
from hanji.compression.images.keras_classifier import Full, KerasClassifier
from hanji.compression.images.networks import fingerprint
from hanji.compression.images.notes import notes_of, scheme_of
from hanji.compression.images.prune import prune
from hanji.compression.images.quantization_aware import kept_by_layer
from hanji.compression.images.quantize import calibration_pictures, train_quantized
from hanji.compression.images.recipe import ImageRecipe
from hanji.compression.images.steps import Channels, Cluster, Distil, ImageStep, Prune, Quantize
from hanji.training.errors import DataError
from hanji.training.images.data import ImageDataset
from hanji.training.images.evaluation import ClassifierScorer, evaluate_classifier
from hanji.training.images.metrics import fit_temperature
from hanji.training.images.models.config import ImageModelConfig
from hanji.training.images.models.folding import fold_batch_norms
from hanji.training.images.samples import labelled_pictures
from hanji.training.images.train import labels_objective
from hanji.training.images.trained import TrainedClassifier


@dataclass(frozen=True)
class _Work:
    """Where a recipe stands between two steps."""

    model: keras.Model
    config: ImageModelConfig | None
    fitting: Fitting
    plain: keras.Model | None = None


def compress_classifier(
    trained: Full, recipe: ImageRecipe, dataset: ImageDataset, *, work: Path | None = None
) -> CompressedClassifier:
    """Carry the recipe out on ``trained``; ``dataset`` is the one it was trained on.

    ``trained`` is left as it is. Checkpoints go to ``work``. The test set is read once, at the end. Raises
    RecipeError for a step that this network cannot take, DataError where no pictures are held out.
    """
    if not len(dataset.validation):
        raise DataError(
            "data.validation: expected a fraction above 0: a recipe's steps are chosen by these pictures"
        )
    check_image_recipe(recipe, trained.model, trained.config, dataset)
    standing = _Work(trained.model, trained.config, _fitting(trained, dataset, work))
    behind: list[keras.Model] = []
    for place, step in enumerate(recipe.steps):
        identity = _identity(trained, recipe.steps[: place + 1])
        standing = _after(
            step, replace(standing, fitting=replace(standing.fitting, identity=identity)), recipe
        )
        behind.append(standing.model)
    opaque = isinstance(trained, KerasClassifier) and trained.saved_model is not None
    model = standing.model if standing.plain or opaque else fold_batch_norms(standing.model)
    quantization = next((step for step in recipe.steps if isinstance(step, Quantize)), Quantize())
    logits = ClassifierScorer(model, trained.picture).logits(dataset.validation.images)
    temperature = fit_temperature(logits, dataset.validation.labels)
    return CompressedClassifier(
        model=model,
        config=standing.config,
        scheme=scheme_of(recipe),
        calibration=calibration_pictures(dataset.train, quantization.calibration_pictures, trained.seed),
        temperature=temperature,
        sparse=any(isinstance(step, Prune) and step.sparse_storage for step in recipe.steps),
        float_layers=quantization.float_layers,
        recipe=recipe,
        metrics=evaluate_classifier(model, dataset.test, trained.picture, temperature=temperature),
        full=trained,
        step_metrics=tuple(evaluate_classifier(one, dataset.test, trained.picture) for one in behind),
        notes=notes_of(recipe, standing.plain or model),
        plain=standing.plain,
    )


def uncompressed_classifier(
    trained: TrainedClassifier, calibration: NDArray[np.uint8]
) -> CompressedClassifier:
    """``trained`` itself, made for inference: what an export of the full model starts from."""
    return CompressedClassifier(
        model=fold_batch_norms(trained.model),
        config=trained.config,
        scheme="float32",
        calibration=calibration,
        temperature=1.0,
        sparse=False,
        float_layers=(),
        recipe=ImageRecipe("full", ()),
        metrics=trained.metrics,
        full=trained,
    )


def _after(step: ImageStep, before: _Work, recipe: ImageRecipe) -> _Work:
    model, fitting = before.model, before.fitting
    if isinstance(step, Distil):
        distilled = distil(model, before.config, step, fitting)
        return _Work(distilled.student, distilled.config, distilled.fitting)
    if isinstance(step, Channels):
        return replace(before, model=channels(model, step, fitting))
    if isinstance(step, Prune):
        return replace(before, model=prune(model, step, fitting))
    if isinstance(step, Cluster):
        return replace(before, model=cluster(model, step, fitting))
    if step.scheme != "int8-qat":
        return before
    clusters = next((earlier.clusters for earlier in recipe.steps if isinstance(earlier, Cluster)), 0)
    pruned = any(isinstance(earlier, Prune) for earlier in recipe.steps)
    trained = train_quantized(model, step, fitting, kept_by_layer(model, pruned=pruned, clusters=clusters))
    return replace(before, model=trained.model, plain=trained.plain)


def _fitting(trained: Full, dataset: ImageDataset, work: Path | None) -> Fitting:
    return Fitting(
        dataset=dataset,
        picture=trained.picture,
        epochs=labelled_pictures(dataset.train, trained.training.augmentation),
        objective=labels_objective(trained.training, dataset, trained.picture),
        training=trained.training,
        seed=trained.seed,
        work=work,
        identity="",
    )


def _identity(trained: Full, steps: Sequence[ImageStep]) -> str:
    tables = ImageRecipe("so far", tuple(steps)).tables
    return f"{fingerprint(trained.model)} {trained.picture} {json.dumps(tables, sort_keys=True)}"


__all__ = ["compress_classifier", "uncompressed_classifier"]
