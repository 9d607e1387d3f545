"""The ensemble as a teacher: weighted by held-out items, calibrated, and logged."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import Distil
from hanji.compression.recommenders.teacher import ensemble_of, pair_logits, teacher_targets
from hanji.training.errors import DataError
from hanji.training.memory import memory_limit
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ensemble import fit_ensemble
from hanji.training.recommenders.baselines.histories import histories_of, standardized
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import TrainValidationSplit, train_validation_split
from hanji.training.recommenders.samples import Samples
from hanji.training.recommenders.trained import TrainedModel

STUDENT = Distil(
    teacher="ensemble",
    embedding_size=8,
    mlp_embedding_size=4,
    hidden_units=(8,),
    epochs=8,
    learning_rate=0.01,
)


@pytest.fixture(scope="module")
def data(small_dataset: Dataset) -> TrainValidationSplit:
    return train_validation_split(small_dataset, seed=3)


def test_the_most_even_of_nearly_optimal_weights_are_chosen(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    als = Als.fit(train, factors=8, seed=0).scores
    similar = fit_ensemble(data, seed=0, factors=8, others={"another ALS": als})
    assert similar.weights["another ALS"] > 0.0
    noise = np.random.default_rng(0).normal(size=train.shape).astype(np.float32)
    noisy = fit_ensemble(data, seed=0, factors=8, others={"noise": lambda histories: noise})
    assert noisy.weights["noise"] < 1 / 3
    assert sum(noisy.weights.values()) == pytest.approx(1.0)


def test_an_additional_member_is_weighted_if_it_helps(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    oracle = train.toarray()
    oracle[data.validation.users, data.validation.items] = 5.0
    ensemble = fit_ensemble(data, seed=0, factors=8, others={"oracle": lambda histories: oracle})
    assert ensemble.weights["oracle"] > 0.0
    assert ensemble.validation["ndcg_at_10"] > 0.95
    assert "% oracle" in str(ensemble)


def test_scores_of_the_ensemble_are_standardized(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    scores = fit_ensemble(data, seed=0, factors=8).scores(train[:5])
    np.testing.assert_allclose(scores, standardized(scores), atol=1e-5)


def test_factors_too_large_for_memory_raise(data: TrainValidationSplit) -> None:
    with memory_limit(1_000_000), pytest.raises(DataError, match=r"fewer factors.*--memory"):
        fit_ensemble(data, seed=0)


def test_a_student_of_the_ensemble_ranks_well_and_logs_its_teacher(
    trained: TrainedModel, small_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    student = compress(trained, Recipe("student", (STUDENT,)), small_dataset)
    assert student.metrics["hr_at_10"] > 0.8 * trained.metrics["hr_at_10"]
    assert "Ensemble teacher" in caplog.text


def test_mean_calibrated_probability_equals_the_interaction_rate(
    trained: TrainedModel, small_dataset: Dataset, data: TrainValidationSplit
) -> None:
    from hanji.compression.recommenders.compress import fitting_of

    fitting = fitting_of(small_dataset, trained.config, trained.training, seed=trained.seed)
    samples = fitting.supervision.epochs
    logits = pair_logits(trained.model, ensemble_of(fitting), samples, fitting)
    drawn = samples(np.random.default_rng(9))
    users = np.repeat(drawn.users, drawn.items.shape[1])
    probabilities = 1 / (1 + np.exp(-logits(users, drawn.items.ravel())))
    assert probabilities.mean() == pytest.approx(drawn.targets.mean(), abs=0.01)


def test_targets_are_weighted_means_of_labels_and_teacher() -> None:
    hard = Samples(np.array([0], np.int32), np.array([[3, 4]], np.int32), np.array([[1, 0]], np.float32))
    draw = teacher_targets(lambda _: hard, lambda users, items: np.zeros(len(users), np.float32), 0.5)
    assert draw(np.random.default_rng(0)).targets.tolist() == [[0.75, 0.25]]
