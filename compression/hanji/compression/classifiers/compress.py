"""The compression stage for classifiers: a loop over the steps of a recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.check import check_image_recipe
from hanji.compression.classifiers.clustering import cluster
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.distillation.distil import distil
from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.foreign.keras_classifier import Full, KerasClassifier
from hanji.compression.classifiers.foreign.reference import expect_same_after_folding
from hanji.compression.classifiers.networks import fingerprint
from hanji.compression.classifiers.notes import notes_of
from hanji.compression.classifiers.pruning.channels import channels
from hanji.compression.classifiers.pruning.magnitude import prune
from hanji.compression.classifiers.quantization.qat import preserved_by_layer
from hanji.compression.classifiers.quantization.quantize import calibration_images, train_quantized
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageStep,
    PruneChannels,
)
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer, evaluate_classifier
from hanji.training.classifiers.fit import default_supervision
from hanji.training.classifiers.metrics import fit_temperature
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.models.folding import fold_batch_norms
from hanji.training.classifiers.trained import TrainedClassifier
from hanji.training.errors import DataError
from hanji.training.progress import OnEpoch, logger


@dataclass(frozen=True)
class _State:
    """The network between two steps of a recipe."""

    model: keras.Model
    config: ImageModelConfig | None
    fitting: Fitting
    plain: keras.Model | None = None


def compress_classifier(
    trained: Full,
    recipe: ImageRecipe,
    dataset: ImageDataset,
    *,
    work: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> CompressedClassifier:
    """Apply the recipe to ``trained``; ``dataset`` is the one it was trained on.

    ``trained`` is not modified. Checkpoints in ``work`` let an interrupted run resume; ``on_epoch`` is called
    after each epoch of each fit. The test set is used only at the end. Raises RecipeError for a step that
    this network does not support, DataError if no images are held out for validation.
    """
    if not len(dataset.validation):
        raise DataError(
            "data.validation: expected a fraction above 0, found no images to choose the best epochs of the "
            "steps"
        )
    check_image_recipe(recipe, trained.model, trained.config, dataset)
    state = _State(trained.model, trained.config, _fitting(trained, dataset, work, on_epoch))
    step_models: list[keras.Model] = []
    for index, step in enumerate(recipe.steps):
        identity = _identity(trained, recipe.steps[: index + 1])
        state = _after(step, replace(state, fitting=replace(state.fitting, identity=identity)), recipe)
        step_models.append(state.model)
    return _finished(trained, recipe, dataset, state, step_models)


def uncompressed_classifier(
    trained: TrainedClassifier, calibration: NDArray[np.uint8]
) -> CompressedClassifier:
    """``trained`` itself, prepared for inference: the input of an export of the full model."""
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


def _after(step: ImageStep, before: _State, recipe: ImageRecipe) -> _State:
    model, fitting = before.model, before.fitting
    if isinstance(step, ImageDistil):
        distilled = distil(model, before.config, step, fitting)
        return _State(distilled.student, distilled.config, distilled.fitting)
    if isinstance(step, PruneChannels):
        return replace(before, model=channels(model, step, fitting))
    if isinstance(step, ImagePrune):
        return replace(before, model=prune(model, step, fitting))
    if isinstance(step, ClusterWeights):
        return replace(before, model=cluster(model, step, fitting))
    if step.scheme != "int8-qat":
        return before
    clusters = next((earlier.clusters for earlier in recipe.steps if isinstance(earlier, ClusterWeights)), 0)
    pruned = any(isinstance(earlier, ImagePrune) for earlier in recipe.steps)
    trained = train_quantized(
        model, step, fitting, preserved_by_layer(model, pruned=pruned, clusters=clusters)
    )
    return replace(before, model=trained.model, plain=trained.plain)


def _finished(
    trained: Full,
    recipe: ImageRecipe,
    dataset: ImageDataset,
    state: _State,
    step_models: Sequence[keras.Model],
) -> CompressedClassifier:
    """The classifier after the last step: calibrated on validation images, evaluated on the test set."""
    model = _for_inference(trained, state)
    quantization = recipe.quantization
    scorer = ClassifierScorer(model, trained.image_input)
    logits = scorer.logits(dataset.validation.images)
    temperature = fit_temperature(logits, dataset.validation.labels)
    notes = notes_of(recipe, state.plain or model)
    for note in notes:
        logger.info(note)
    return CompressedClassifier(
        model=model,
        config=state.config,
        scheme=recipe.scheme,
        calibration=calibration_images(dataset.train, quantization.calibration_images, trained.seed),
        temperature=temperature,
        sparse=recipe.sparse,
        float_layers=quantization.float_layers,
        recipe=recipe,
        metrics=scorer.metrics(dataset.test, temperature=temperature),
        full=trained,
        step_metrics=tuple(
            evaluate_classifier(network, dataset.test, trained.image_input) for network in step_models
        ),
        notes=notes,
        plain=state.plain,
    )


def _for_inference(trained: Full, state: _State) -> keras.Model:
    """The network with its batch normalizations folded, except where quantization-aware training did it.

    RecipeError if a network that was trained elsewhere then answers differently.
    """
    if state.plain or (isinstance(trained, KerasClassifier) and trained.saved_model):
        return state.model
    folded = fold_batch_norms(state.model)
    if isinstance(trained, KerasClassifier):
        expect_same_after_folding(state.model, folded, trained.image_input, trained.reference.images)
    return folded


def _fitting(trained: Full, dataset: ImageDataset, work: Path | None, on_epoch: OnEpoch | None) -> Fitting:
    return Fitting(
        dataset=dataset,
        image_input=trained.image_input,
        supervision=default_supervision(dataset, trained.training, trained.image_input),
        training=trained.training,
        seed=trained.seed,
        identity="",
        work=work,
        on_epoch=on_epoch,
    )


def _identity(trained: Full, steps: Sequence[ImageStep]) -> str:
    tables = ImageRecipe("prefix", tuple(steps)).tables
    return f"{fingerprint(trained.model)} {trained.image_input} {json.dumps(tables, sort_keys=True)}"


__all__ = ["compress_classifier", "uncompressed_classifier"]
