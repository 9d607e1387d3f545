"""Teachers, and soft targets of ``[user, item]`` students."""

from __future__ import annotations

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray
from scipy.optimize import minimize

from hanji.compression.recommenders.fitting import Fitting
from hanji.training.progress import logger
from hanji.training.recommenders.baselines.ensemble import Ensemble, fit_ensemble
from hanji.training.recommenders.baselines.histories import ScoresOf
from hanji.training.recommenders.baselines.spark_als import als_fitter
from hanji.training.recommenders.baselines.subset_ensemble import SubsetEnsemble, fit_subset_ensemble
from hanji.training.recommenders.baselines.subset_scores import SubsetModel
from hanji.training.recommenders.config import AlsEngine
from hanji.training.recommenders.samples import Samples, SampleSource
from hanji.training.recommenders.scoring import KerasScorer
from hanji.training.recommenders.tables import PairScorer, pair_scorer

CALIBRATION_ROWS = 100_000


def ensemble_of(
    fitting: Fitting, others: dict[str, ScoresOf] | None = None, als_engine: AlsEngine = "hanji"
) -> Ensemble:
    """The ensemble for the data of ``fitting``, which is logged; ``others`` are members already trained."""
    with als_fitter(als_engine) as fit_als:
        ensemble = fit_ensemble(fitting.data, seed=fitting.seed, others=others, fit_als=fit_als)
    logger.info(f"Ensemble teacher: {ensemble}")
    return ensemble


def subset_ensemble_of(
    fitting: Fitting, others: dict[str, SubsetModel], als_engine: AlsEngine
) -> SubsetEnsemble:
    """``ensemble_of`` for a large catalogue."""
    with als_fitter(als_engine) as fit_als:
        ensemble = fit_subset_ensemble(fitting.data, seed=fitting.seed, others=others, fit_als=fit_als)
    logger.info(f"Ensemble teacher: {ensemble}")
    return ensemble


def pair_logits(
    model: keras.Model, ensemble: Ensemble | None, samples: SampleSource, fitting: Fitting
) -> PairScorer:
    """(users, items) → the teacher's logits: those of the full model, or calibrated ones of the ensemble."""
    if ensemble is None:
        return KerasScorer(model).pairs
    score = pair_scorer(ensemble.known, fitting.data.items)
    return _calibrated(score, samples(np.random.default_rng([fitting.seed, 2])))


def teacher_targets(samples: SampleSource, logits: PairScorer, teacher_weight: float) -> SampleSource:
    """The same samples with soft targets: a weighted mean of the labels and the teacher's probabilities."""

    def draw(rng: np.random.Generator) -> Samples:
        hard = samples(rng)
        users = np.repeat(hard.users, hard.items.shape[1])
        teacher = logits(users, hard.items.ravel()).reshape(hard.items.shape)
        probabilities = 1.0 / (1.0 + np.exp(-teacher))
        targets = teacher_weight * probabilities + (1.0 - teacher_weight) * hard.targets
        return Samples(hard.users, hard.items, targets.astype(np.float32))

    return draw


def _calibrated(score: PairScorer, samples: Samples) -> PairScorer:
    """The scores as logits: z-scores scaled and shifted to fit the samples (Platt 1999)."""
    rows = slice(0, CALIBRATION_ROWS)
    items, targets = samples.items[rows], samples.targets[rows]
    users = np.repeat(samples.users[rows], items.shape[1])
    scores = score(users, items.ravel()).reshape(items.shape).astype(np.float64)

    def cross_entropy(scale_and_shift: NDArray[np.float64]) -> float:
        logits = scale_and_shift[0] * scores + scale_and_shift[1]
        return float(np.mean(np.logaddexp(0.0, logits) - targets * logits))

    scale, shift = minimize(cross_entropy, np.array([1.0, 0.0])).x.astype(np.float32)
    return lambda users, items: scale * score(users, items) + shift
