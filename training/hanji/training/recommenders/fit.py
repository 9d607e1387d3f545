"""Inputs of the fitting loop for recommenders: supervision without a teacher, and validation."""

from __future__ import annotations

import tf_keras as keras

from hanji.training.fitting.loop import Monitor, Validation
from hanji.training.fitting.supervision import Part, Supervision
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.history_samples import held_back_histories
from hanji.training.recommenders.item_sampling import items_sampled, sampled_histories
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.objectives import binary_cross_entropy_objective, multinomial_objective
from hanji.training.recommenders.samples import positives_and_negatives
from hanji.training.recommenders.scoring import scorer_of

RANKING = Monitor("ndcg_at_10", {"hr_at_10": "HR@10", "ndcg_at_10": "NDCG@10"})


def default_supervision(
    config: ModelConfig, data: TrainValidationSplit, training: TrainingConfig
) -> Supervision:
    """Samples and objective for training a model of this type without a teacher."""
    if config.type == "history":
        return _of_histories(data, training, latest=config.history_order)
    samples = positives_and_negatives(data.train, items=data.items, negatives=training.negatives)
    return Supervision(samples, binary_cross_entropy_objective())


def _of_histories(data: TrainValidationSplit, training: TrainingConfig, *, latest: bool) -> Supervision:
    sampled = items_sampled(training, data.items)
    if sampled is None:
        histories = held_back_histories(data.train, data.users, held_back=training.held_back, latest=latest)
        return Supervision(histories, multinomial_objective())
    sampling = sampled_histories(
        data.train, data.users, data.items, sampled, held_back=training.held_back, latest=latest
    )
    return Supervision(sampling, multinomial_objective(sampled=True))


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


__all__ = ["RANKING", "default_supervision", "validation_of"]
