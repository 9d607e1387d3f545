"""Metrics of the reference models on a data set, by the same protocol as all other models."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hanji.training.errors import DataError
from hanji.training.progress import progress
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.content import Content
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.histories import (
    Histories,
    ReferenceModel,
    ScoresOf,
    histories_of,
    tables_of,
)
from hanji.training.recommenders.baselines.neighbours import ItemNeighbours, UserNeighbours
from hanji.training.recommenders.baselines.popularity import Popularity
from hanji.training.recommenders.baselines.spark_als import FitAls
from hanji.training.recommenders.data import Catalogue, Dataset
from hanji.training.recommenders.data.validation import TrainValidationSplit, train_validation_split
from hanji.training.recommenders.evaluation import evaluate_candidates, evaluate_reported
from hanji.training.recommenders.footprint import expect_factorization_memory
from hanji.training.recommenders.protocols import FULL, SAMPLED
from hanji.training.recommenders.tables import pair_scorer

Fit = Callable[[Histories, Catalogue], ReferenceModel]

EASE_REGULARIZATIONS = (100.0, 250.0, 500.0, 1000.0)
ALS_REGULARIZATIONS = (0.003, 0.007, 0.015)


@dataclass(frozen=True)
class Candidate:
    """A model with settings; among those of the same ``name``, the validation items select the best."""

    name: str
    settings: str
    fit: Fit


@dataclass(frozen=True)
class Baseline:
    """The test metrics of a model, with the settings selected by validation.

    ``metrics`` are those of the protocol ``sampled``, ``full_ranking`` those of ``full``.
    """

    name: str
    settings: str
    metrics: dict[str, float]
    full_ranking: dict[str, float]
    seconds: float
    """Time of fitting and testing it."""


def candidates(*, factors: int, seed: int, spark_als: FitAls | None = None) -> list[Candidate]:
    """Every model with each of its settings to try; ALS by Spark beside ours if ``spark_als`` fits it."""
    ease = [
        Candidate("ease", f"regularization {value:g}", _from_histories(Ease.fit, regularization=value))
        for value in EASE_REGULARIZATIONS
    ]
    fits: dict[str, FitAls | None] = {"als": Als.fit, "spark-als": spark_als}
    als = [
        Candidate(
            name,
            f"{factors} factors, regularization {value:g}",
            _from_histories(fit, factors=factors, regularization=value, seed=seed),
        )
        for name, fit in fits.items()
        if fit is not None
        for value in ALS_REGULARIZATIONS
    ]
    return [
        Candidate("popularity", "", _from_histories(Popularity.fit)),
        Candidate("content", "", _from_catalogue(Content.fit)),
        Candidate("user-neighbours", "100 neighbours", _from_histories(UserNeighbours.fit)),
        Candidate("item-neighbours", "100 neighbours", _from_histories(ItemNeighbours.fit)),
        *ease,
        *als,
    ]


def _from_histories(fit: Callable[..., ReferenceModel], **settings: float) -> Fit:
    return lambda train, _: fit(train, **settings)


def _from_catalogue(fit: Callable[[Catalogue], ReferenceModel]) -> Fit:
    return lambda _, catalogue: fit(catalogue)


def baselines(
    dataset: Dataset,
    *,
    factors: int = 64,
    seed: int = 0,
    spark_als: FitAls | None = None,
    sasrec: bool = False,
) -> list[Baseline]:
    """Fit every model on the training set, select settings on held-out items, then test each name once.

    ``spark_als`` adds ALS by Spark; see ``als_fitter``. ``sasrec`` adds SASRec, which takes minutes and, as
    its best epoch is selected, is trained without the held-out items. Items that nobody interacted with are
    left out. DataError if the factors do not fit into memory, or if ``sasrec`` needs an order that the data
    does not have.
    """
    if sasrec and dataset.train.timestamps is None:
        raise DataError(
            "SASRec: expected interactions with an order, found data without timestamps; leave out --sasrec"
        )
    dataset = dataset.without_cold_items()
    users, items = dataset.catalogue.users, dataset.catalogue.items
    expect_factorization_memory(users, items, len(dataset.train), min(factors, users, items))
    held_out = train_validation_split(dataset, seed)
    all_candidates = candidates(factors=factors, seed=seed, spark_als=spark_als)
    best: dict[str, tuple[float, Candidate]] = {}
    with progress("Reference models") as task:
        task.expect(len(all_candidates) + len({candidate.name for candidate in all_candidates}))
        for candidate in all_candidates:
            score = _validated(candidate, dataset, held_out)
            task.advance()
            if candidate.name not in best or score > best[candidate.name][0]:
                best[candidate.name] = (score, candidate)
        results = []
        for _, candidate in best.values():
            results.append(_tested(candidate, dataset))
            task.advance()
    return [*results, _tested(_sasrec(held_out, seed), dataset)] if sasrec else results


def _sasrec(data: TrainValidationSplit, seed: int) -> Candidate:
    """SASRec, which reads the whole histories but is trained on those of ``data``."""
    from hanji.training.fitting.loop import FitRun
    from hanji.training.recommenders.baselines.sasrec import fit_sasrec
    from hanji.training.recommenders.history_scoring import scores_of_histories
    from hanji.training.recommenders.models.sasrec import SasRecConfig

    config = SasRecConfig()
    settings = f"{config.factors} factors, {config.blocks} blocks, {config.heads} heads"

    def fitted(*_: object) -> ReferenceModel:
        return _Scores(scores_of_histories(fit_sasrec(data, FitRun("SASRec", seed), config=config)))

    return Candidate("sasrec", settings, fitted)


@dataclass(frozen=True)
class _Scores:
    """A function of histories as a reference model."""

    scores: ScoresOf


def _validated(candidate: Candidate, dataset: Dataset, data: TrainValidationSplit) -> float:
    train = histories_of(data.train, users=data.users, items=data.items)
    score = tables_of(candidate.fit(train, dataset.catalogue).scores, train)
    return evaluate_candidates(pair_scorer(score, data.items), data.validation)["ndcg_at_10"]


def _tested(candidate: Candidate, dataset: Dataset) -> Baseline:
    start = time.monotonic()
    train = histories_of(dataset.train, users=dataset.catalogue.users, items=dataset.catalogue.items)
    score = tables_of(candidate.fit(train, dataset.catalogue).scores, train)
    found = evaluate_reported(score, dataset)
    seconds = time.monotonic() - start
    return Baseline(candidate.name, candidate.settings, found[SAMPLED], found[FULL], seconds)
