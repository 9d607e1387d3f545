"""The training stage: from a dataset to a TrainedModel.

A validation item a user is held out of the training set; it picks the epoch. The test set is read
once, behind the last epoch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.training.checkpoint import Checkpoint
from hanji.training.config import TrainingConfig
from hanji.training.data import DataConfig, Dataset
from hanji.training.determinism import seed_everything
from hanji.training.errors import RecipeError
from hanji.training.evaluation import evaluate, evaluate_candidates, evaluate_catalogue
from hanji.training.fitting_data import FittingData, fitting_data
from hanji.training.history_samples import held_back_histories
from hanji.training.loop import History, Validate, fit
from hanji.training.models.build import build_model
from hanji.training.models.config import ModelConfig
from hanji.training.models.history import HistoryModel
from hanji.training.models.history_start import start_from_scores
from hanji.training.models.pretraining import copy_tower, tower_config
from hanji.training.objectives import Objective, held_back, pairwise
from hanji.training.reference.als import Als
from hanji.training.reference.histories import ScoresOf, histories_of, standardized
from hanji.training.samples import EpochSource, positives_and_negatives
from hanji.training.scoring import KerasScorer, scorer_of, scores_of_histories
from hanji.training.settings import table_from
from hanji.training.trained import TrainedModel, summarize


def what_to_fit(
    config: ModelConfig, data: FittingData, training: TrainingConfig
) -> tuple[EpochSource, Objective]:
    """What a model of this kind sees in an epoch where nobody teaches it, and what it minimizes."""
    if config.type == "history":
        histories = held_back_histories(
            data.train, data.users, held_back=training.held_back, latest=config.history_order
        )
        return histories, held_back()
    return positives_and_negatives(data.train, items=data.items, negatives=training.negatives), pairwise()


def validation_of(model: keras.Model, data: FittingData) -> Validate:
    """Metrics of ``model`` on the validation items, as it is at the time of the call."""
    scorer = scorer_of(model, data.train, data.users)
    return lambda: evaluate_candidates(scorer.pairs, data.validation)


def evaluate_model(model: keras.Model, dataset: Dataset) -> dict[str, float]:
    """All test metrics of a Keras model."""
    if isinstance(model, HistoryModel):
        return evaluate_scores(scores_of_histories(model), dataset)
    scorer = KerasScorer(model)
    items = dataset.catalogue.items
    by_candidates = evaluate_candidates(scorer.pairs, dataset.test)
    return by_candidates | evaluate_catalogue(lambda user: scorer.catalogue(user, items), dataset)


def evaluate_scores(scores: ScoresOf, dataset: Dataset) -> dict[str, float]:
    """All test metrics of what turns histories into scores; each is the user's training interactions."""
    users, items = dataset.catalogue.users, dataset.catalogue.items
    table = scores(histories_of(dataset.train, users=users, items=items))
    return evaluate(table.__getitem__, dataset)


def train(
    dataset: Dataset,
    *,
    data: DataConfig,
    model: ModelConfig,
    training: TrainingConfig,
    seed: int,
    work: Path | None = None,
) -> TrainedModel:
    """Train ``model`` on ``dataset``; checkpoints go to ``work`` and a killed run goes on from there.

    Raises RecipeError where the model wants an order that the data does not have.
    """
    if model.history_order and dataset.train.timestamps is None:
        raise RecipeError(
            f"model.history_order: the data {dataset.name!r} holds no times, so its histories have no order; "
            "leave the key out"
        )
    seed_everything(seed)
    held_out = fitting_data(dataset, seed)
    network = build_model(model, users=held_out.users, items=held_out.items)
    if training.pretraining_epochs and model.type == "neumf":
        _pretrain(network, held_out, model, training, seed, work)
    if training.pretraining_epochs and isinstance(network, HistoryModel):
        _start_from_als(network, held_out, training.pretraining_epochs, seed)
    _fit(network, held_out, training, seed=seed, name=f"Training {model.type}", work=work, config=model)
    return TrainedModel(
        model=network,
        catalogue=dataset.catalogue,
        metrics=evaluate_model(network, dataset),
        config=model,
        training=training,
        data=summarize(dataset, data),
        seed=seed,
    )


def _pretrain(
    network: keras.Model,
    data: FittingData,
    model: ModelConfig,
    training: TrainingConfig,
    seed: int,
    work: Path | None,
) -> None:
    """Each tower alone first, then both into the fused model (He et al. 2017, section 3.4.1)."""
    short = replace(training, epochs=training.pretraining_epochs)
    for tower in ("gmf", "mlp"):
        config = tower_config(model, tower)
        alone = build_model(config, users=data.users, items=data.items)
        _fit(alone, data, short, seed=seed, name=f"Pre-training {tower}", work=work, config=config)
        copy_tower(alone, network, tower)


def _start_from_als(network: HistoryModel, data: FittingData, epochs: int, seed: int) -> None:
    """A matrix factorization of the same size first, by alternating least squares."""
    train = histories_of(data.train, users=data.users, items=data.items)
    als = Als.fit(train, factors=network.config.embedding_size, epochs=epochs, seed=seed)
    start_from_scores(network, standardized(als.scores(train)), train, seed=seed)


def _fit(
    network: keras.Model,
    data: FittingData,
    training: TrainingConfig,
    *,
    seed: int,
    name: str,
    work: Path | None,
    config: ModelConfig,
) -> History:
    settings = [table_from(config), table_from(training), seed, len(data.train)]
    file = name.lower().replace(" ", "-") + ".npz"
    epochs, objective = what_to_fit(config, data, training)
    return fit(
        network,
        epochs,
        training,
        objective=objective,
        validate=validation_of(network, data),
        seed=seed,
        name=name,
        checkpoint=Checkpoint(work / file, settings) if work else None,
    )
