"""Distillation of history models.

The student follows the teacher's scores of the whole catalogue or, if that is large, of sampled items.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.steps import Distil
from hanji.compression.recommenders.teacher import ensemble_of, subset_ensemble_of
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.supervision import EpochSource, Supervision
from hanji.training.recommenders.baselines.histories import (
    Histories,
    evaluate_scores,
    histories_of,
    standardized,
    tables_of,
)
from hanji.training.recommenders.baselines.subset_ensemble import standardized_subsets
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.history_samples import held_back_histories
from hanji.training.recommenders.history_scoring import scores_of_histories, subset_scorer_of
from hanji.training.recommenders.item_sampling import items_sampled, sampled_histories
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.history_start import start_from_scores
from hanji.training.recommenders.objectives import distillation_objective
from hanji.training.recommenders.tables import TableWriter, subset_writer, writer_of

Evaluation = Callable[[Dataset], dict[str, float]]
"""All test metrics of a teacher on a data set."""


@dataclass(frozen=True)
class _Teaching:
    """What a teacher gives: its scores of the known users, samples with its scores, and its metrics.

    ``evaluate`` is None if the teacher is the full model.
    """

    write: TableWriter
    histories: EpochSource
    evaluate: Evaluation | None


def distil_history(
    model: HistoryModel, config: ModelConfig, step: Distil, fitting: Fitting
) -> tuple[HistoryModel, Fitting, Evaluation | None]:
    """A trained student of ``model`` with this ``config``, and the fitting for later steps.

    The third result measures the teacher; it is None if the teacher is the full model.
    """
    data = fitting.data
    train = histories_of(data.train, users=data.users, items=data.items)
    sampled = items_sampled(fitting.training, data.items)
    if sampled is None:
        teaching = _of_catalogue(model, config, step, fitting, train)
    else:
        teaching = _of_sampled_items(model, config, step, fitting, train, sampled)
    seed_everything(fitting.seed)
    student = HistoryModel(config, data.items)
    start_from_scores(student, teaching.write, train, seed=fitting.seed)
    objective = distillation_objective(
        data.items,
        teacher_weight=step.teacher_weight,
        temperature=step.temperature,
        regression_weight=step.regression_weight,
        sampled=sampled is not None,
    )
    distilling = fitting.supervised_by(Supervision(teaching.histories, objective, prefetch=True))
    distilling.fit(student, distilling.schedule(step), "Distilling")
    return student, distilling, teaching.evaluate


def _of_catalogue(
    model: HistoryModel, config: ModelConfig, step: Distil, fitting: Fitting, train: Histories
) -> _Teaching:
    data, full = fitting.data, scores_of_histories(model)
    ensemble = None
    if step.teacher == "ensemble":
        ensemble = ensemble_of(fitting, {"full model": full}, step.als_engine)
    targets = ensemble.known if ensemble else tables_of(lambda rows: standardized(full(rows)), train)
    histories = held_back_histories(data.train, data.users, held_back=step.held_back, teacher=targets)
    return _Teaching(
        writer_of(targets), histories, partial(evaluate_scores, ensemble.scores) if ensemble else None
    )


def _of_sampled_items(
    model: HistoryModel, config: ModelConfig, step: Distil, fitting: Fitting, train: Histories, sampled: int
) -> _Teaching:
    data, full = fitting.data, partial(subset_scorer_of, model)
    ensemble = None
    if step.teacher == "ensemble":
        ensemble = subset_ensemble_of(fitting, {"full model": full}, step.als_engine)
    targets = ensemble.known if ensemble else standardized_subsets(full, train, seed=fitting.seed)
    histories = sampled_histories(
        data.train,
        data.users,
        data.items,
        sampled,
        held_back=step.held_back,
        teacher=targets,
    )
    return _Teaching(subset_writer(targets), histories, ensemble.evaluate if ensemble else None)


__all__ = ["Evaluation", "distil_history"]
