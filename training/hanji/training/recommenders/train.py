"""The training stage: from a dataset to a TrainedModel.

One validation item per user is held out of the training set to select the best epoch. The test set is used
once, after the last epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tf_keras as keras

from hanji.training.errors import DataError, RecipeError
from hanji.training.fitting.checkpoint import Checkpoint
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.distribution import Workers
from hanji.training.fitting.joining import workers_of_environment
from hanji.training.fitting.loop import FitRun, Hooks, fit
from hanji.training.progress import OnEpoch, logger
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.histories import histories_of, standardize
from hanji.training.recommenders.cold_items import check_cold_items, with_cold_items
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.data.validation import TrainValidationSplit, train_validation_split
from hanji.training.recommenders.fit import default_supervision, validation_of
from hanji.training.recommenders.footprint import expect_training_memory
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig, check_embedding
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.history_start import start_from_scores
from hanji.training.recommenders.models.pretraining import copy_tower, tower_config
from hanji.training.recommenders.protocols import FULL, SAMPLED, full_protocol
from hanji.training.recommenders.scoring import evaluate_model
from hanji.training.recommenders.tables import Table, Users
from hanji.training.recommenders.trained import TrainedModel, summarize
from hanji.training.settings import table_from


def train(
    dataset: Dataset,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    seed: int,
    work: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedModel:
    """Train ``model`` on ``dataset``; an interrupted run resumes from the checkpoints in ``work``.

    If TF_CONFIG describes a cluster, all of its workers train one model with the same call, and return the
    same; only the chief reads and writes ``work``. ``on_epoch`` is called after each epoch of each fit, on
    every worker.

    A history model of data without timestamps is trained with ``history_pooling = "sum"``. Raises RecipeError
    if the model is wider than its catalogue allows, or cannot be trained by several workers; DataError if no
    user can spare a validation item, or if the model does not fit into memory; WorkerLostError if another
    worker is gone.
    """
    workers = workers_of_environment()
    with workers.together():
        return _train(dataset, model, training, _Run(workers, seed, work, on_epoch))


@dataclass(frozen=True)
class _Run:
    """The common options of all fits of a training run."""

    workers: Workers
    seed: int
    work: Path | None
    on_epoch: OnEpoch | None


def _train(everything: Dataset, model: ModelConfig, training: TrainingConfig, run: _Run) -> TrainedModel:
    check_cold_items(model, everything.catalogue)
    dataset = everything.without_cold_items()
    model = known_order(model, dataset.train)
    _check(dataset, model, training, run)
    # Workers drop different units; the initial weights are the chief's.
    seed_everything((run.seed + run.workers.part.index) % 2**32)
    split = train_validation_split(dataset, run.seed)
    with run.workers.scope():
        network = build_model(model, users=split.users, items=split.items)
    fits = _Fits(split, run)
    if training.pretraining_epochs and model.type == "neumf":
        fits.pretrain(network, model, training)
    hooks = Hooks()
    if training.pretraining_epochs and model.type == "history" and not model.ordered:
        epochs = training.pretraining_epochs
        hooks = Hooks(before_first_epoch=lambda: _start_from_als(network, split, epochs, run.seed))
    fits.fit(network, model, training, name=f"Training {model.type}", hooks=hooks)
    if run.workers.part.count > 1:  # whoever continues with the model need not know of the strategy
        weights = network.get_weights()
        network = build_model(model, users=split.users, items=split.items)
        network.set_weights(weights)
    metrics = run.workers.from_chief(lambda: evaluate_model(network, dataset))
    return TrainedModel(
        model=with_cold_items(network, everything.catalogue),
        catalogue=everything.catalogue,
        metrics=metrics[SAMPLED],
        config=model,
        training=training,
        data=summarize(everything),
        seed=run.seed,
        protocol=dataset.test.protocol,
        full_ranking=metrics[FULL],
        full_protocol=full_protocol(dataset.catalogue.items, dataset.test.split),
    )


def known_order(model: ModelConfig, train: Interactions) -> ModelConfig:
    """``model`` or, if it knows the order of histories and ``train`` does not, the same without order."""
    if not model.ordered or train.timestamps is not None:
        return model
    logger.info('The data has no timestamps: history_pooling is "sum", which does not need an order')
    return replace(model, history_pooling="sum")


def _check(dataset: Dataset, model: ModelConfig, training: TrainingConfig, run: _Run) -> None:
    """Raise what ``train`` raises before it begins."""
    check_embedding(model, dataset.catalogue.items)
    expect_training_memory(
        model,
        training,
        users=dataset.catalogue.users,
        items=dataset.catalogue.items,
        interactions=len(dataset.train),
    )
    workers = run.workers
    if workers.part.count == 1:
        return
    if model.batch_normalization:
        raise RecipeError(
            "model.batch_normalization: expected false with several workers, because each would normalize "
            "its part of a batch alone; train in one process, or without it"
        )
    mine = [table_from(model), table_from(training), run.seed, dataset.content]
    if workers.from_chief(lambda: mine) != mine:
        raise DataError(
            f"worker {workers.part.index}: expected the recipe, seed and data of the chief, found others; "
            "start all workers with the same"
        )


@dataclass(frozen=True)
class _Fits:
    """The fits of a training run."""

    split: TrainValidationSplit
    run: _Run

    def fit(
        self,
        network: keras.Model,
        config: ModelConfig,
        training: TrainingConfig,
        *,
        name: str,
        hooks: Hooks | None = None,
    ) -> None:
        """Fit ``network`` in place."""
        run = self.run
        settings = [table_from(config), table_from(training), run.seed]
        path = run.work / f"{name.lower().replace(' ', '-')}.npz" if run.work else None
        checkpoint = Checkpoint(path, settings, content=self.split.content) if path else None
        fit(
            network,
            default_supervision(config, self.split, training),
            training,
            validation_of(network, self.split),
            FitRun(name, run.seed, checkpoint, on_epoch=run.on_epoch, workers=run.workers),
            hooks=hooks,
        )

    def pretrain(self, network: keras.Model, model: ModelConfig, training: TrainingConfig) -> None:
        """Train each tower alone, then copy both into the fused model (He et al. 2017, section 3.4.1)."""
        short = replace(training, epochs=training.pretraining_epochs)
        for tower in ("gmf", "mlp"):
            config = tower_config(model, tower)
            with self.run.workers.scope():
                alone = build_model(config, users=self.split.users, items=self.split.items)
            self.fit(alone, config, short, name=f"Pre-training {tower}")
            copy_tower(alone, network, tower)


def _start_from_als(network: HistoryModel, split: TrainValidationSplit, epochs: int, seed: int) -> None:
    """Initialize with a matrix factorization of the same size, fitted by alternating least squares."""
    train = histories_of(split.train, users=split.users, items=split.items)
    als = Als.fit(train, factors=network.config.embedding_size, epochs=epochs, seed=seed)
    users = als.fold_in(train)

    def write(rows: Users, table: Table) -> None:
        np.matmul(users[rows], als.items.T, out=table)
        standardize(table)

    start_from_scores(network, write, train, seed=seed)


__all__ = ["train"]
