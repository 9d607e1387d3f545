"""Distillation of history models that know order: the student follows its teacher at every position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.history_distil import Evaluation
from hanji.compression.recommenders.steps import Distil
from hanji.training.fitting.determinism import seed_everything
from hanji.training.progress import logger
from hanji.training.recommenders.baselines.ensemble import best_weights, described
from hanji.training.recommenders.baselines.sasrec import TRAINING, fit_sasrec
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.fit import sequence_supervision
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.history_scoring import SequenceModel, history_scorer
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.objectives import Following
from hanji.training.recommenders.protocols import FULL, SAMPLED, scores_of_candidates
from hanji.training.recommenders.sequence_scoring import WeightedScorer, weighted_logits

Members = Mapping[str, SequenceModel]
Weights = tuple[float, ...]


def distil_sequences(
    model: HistoryModel, config: ModelConfig, step: Distil, fitting: Fitting
) -> tuple[HistoryModel, Fitting, Evaluation | None]:
    """See ``distil_history``; ``model`` and the student of ``config`` know the order of histories."""
    members: Members = {"full model": model}
    weights: Weights = (1.0,)
    if step.teacher == "ensemble":
        if step.sasrec_epochs:
            members = {**members, "SASRec": _sasrec(step.sasrec_epochs, fitting)}
        weights = _selected_weights(members, fitting.data)
    supervision = sequence_supervision(
        fitting.data,
        fitting.training,
        longest=config.history_ages,
        teacher=weighted_logits(list(members.values()), weights),
        following=Following(step.teacher_weight, step.temperature),
    )
    seed_everything(fitting.seed)
    student = HistoryModel(config, fitting.data.items)
    distilling = fitting.supervised_by(supervision)
    distilling.fit(student, distilling.schedule(step), "Distilling")

    def evaluate(dataset: Dataset) -> dict[str, float]:
        histories = flat_histories(dataset.train, dataset.catalogue.users)
        scorers = [history_scorer(member, histories) for member in members.values()]
        found = WeightedScorer(scorers, weights).evaluate(dataset)
        full = found[FULL]
        logger.info(
            f"Ensemble teacher, full ranking: HR@10 {full['hr_at_10']:.4f}, NDCG@10 {full['ndcg_at_10']:.4f}"
        )
        return found[SAMPLED]

    return student, distilling, evaluate if step.teacher == "ensemble" else None


def _sasrec(epochs: int, fitting: Fitting) -> SequenceModel:
    training = replace(TRAINING, epochs=epochs, sampled_items=fitting.training.sampled_items)
    independent = replace(fitting, identity="")  # of the full model and of the student
    return fit_sasrec(fitting.data, independent.run("Training SASRec", training), training=training)


def _selected_weights(members: Members, data: TrainValidationSplit) -> Weights:
    """The weights of an ensemble, selected on the last training items of the users."""
    histories = flat_histories(data.train, data.users)
    scores = [
        scores_of_candidates(history_scorer(member, histories).pairs, data.validation)
        for member in members.values()
    ]
    weights, validation = best_weights(np.stack(scores), data)
    named = dict(zip(members, weights, strict=True))
    logger.info(f"Ensemble teacher: {described(named, validation)}")
    return weights


__all__ = ["distil_sequences"]
