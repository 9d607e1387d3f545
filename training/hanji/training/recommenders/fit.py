"""Inputs of the fitting loop for recommenders: supervision without a teacher, and validation."""

from __future__ import annotations

import tf_keras as keras

from hanji.training.fitting.loop import Monitor, Validation
from hanji.training.fitting.supervision import Part, Supervision
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.history_samples import held_back_histories
from hanji.training.recommenders.item_sampling import (
    items_sampled,
    sampled_histories,
    sampled_next_items,
)
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.objectives import (
    Following,
    binary_cross_entropy_objective,
    multinomial_objective,
    next_item_objective,
)
from hanji.training.recommenders.samples import positives_and_negatives
from hanji.training.recommenders.scoring import scorer_of
from hanji.training.recommenders.sequence_samples import SequenceTeacher, next_items

RANKING = Monitor("ndcg_at_10", {"hr_at_10": "HR@10", "ndcg_at_10": "NDCG@10"})


def default_supervision(
    config: ModelConfig, data: TrainValidationSplit, training: TrainingConfig
) -> Supervision:
    """Samples and objective for training a model of this type without a teacher."""
    if config.ordered:
        return sequence_supervision(data, training, longest=config.history_ages)
    if config.type == "history":
        return _of_histories(data, training)
    samples = positives_and_negatives(data.train, items=data.items, negatives=training.negatives)
    return Supervision(samples, binary_cross_entropy_objective())


def _of_histories(data: TrainValidationSplit, training: TrainingConfig) -> Supervision:
    sampled = items_sampled(training, data.items)
    if sampled is None:
        histories = held_back_histories(data.train, data.users, held_back=training.held_back)
        return Supervision(histories, multinomial_objective())
    sampling = sampled_histories(data.train, data.users, data.items, sampled, held_back=training.held_back)
    return Supervision(sampling, multinomial_objective(sampled=True), prefetch=True)


def sequence_supervision(
    data: TrainValidationSplit,
    training: TrainingConfig,
    *,
    longest: int,
    teacher: SequenceTeacher | None = None,
    following: Following | None = None,
) -> Supervision:
    """The next item at every position of the histories as the target, for models that know order.

    With a ``teacher``, ``following`` states how it is followed. ``longest`` bounds the items before a target.
    """
    sampled = items_sampled(training, data.items)
    objective = next_item_objective(data.items, following=following, sampled=sampled is not None)
    if sampled is None:
        histories = next_items(data.train, data.users, longest=longest, teacher=teacher)
        return Supervision(histories, objective, prefetch=teacher is not None)
    sampling = sampled_next_items(
        data.train, data.users, data.items, sampled, longest=longest, teacher=teacher
    )
    return Supervision(sampling, objective, prefetch=True)


def validation_of(model: keras.Model, data: TrainValidationSplit) -> Validation:
    """Validation of ``model`` by HR@10 and NDCG@10, with its current weights at each call."""
    scorer, held_out = scorer_of(model, data.train, data.users), data.validation

    def share(part: Part) -> tuple[dict[str, float], float]:
        if len(held_out) < part.count:
            return evaluate_candidates(scorer.pairs, held_out), 1.0 / part.count
        rows = part.of(len(held_out))
        fraction = (rows.stop - rows.start) / len(held_out)
        return evaluate_candidates(scorer.pairs, held_out.at(rows)), fraction

    return Validation(lambda: evaluate_candidates(scorer.pairs, held_out), RANKING, share)


__all__ = ["RANKING", "default_supervision", "sequence_supervision", "validation_of"]
