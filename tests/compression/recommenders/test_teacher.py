"""The ensemble as a teacher: chosen by held-out items, calibrated, and told about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import Distil
from hanji.compression.recommenders.teacher import ensemble_of, pair_logits, teacher_targets
from hanji.training.errors import DataError
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


def test_the_most_even_weights_among_the_good_ones_are_taken(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    als = Als.fit(train, factors=8, seed=0).scores
    twins = fit_ensemble(data, seed=0, factors=8, others={"another ALS": als})
    assert twins.weights["another ALS"] > 0.0
    noise = np.random.default_rng(0).normal(size=train.shape).astype(np.float32)
    spoiled = fit_ensemble(data, seed=0, factors=8, others={"noise": lambda histories: noise})
    assert spoiled.weights["noise"] < 1 / 3
    assert sum(spoiled.weights.values()) == pytest.approx(1.0)


def test_another_member_takes_part_where_it_helps(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    oracle = train.toarray()
    oracle[data.validation.users, data.validation.items] = 5.0
    found = fit_ensemble(data, seed=0, factors=8, others={"oracle": lambda histories: oracle})
    assert found.weights["oracle"] > 0.0
    assert found.validation["ndcg_at_10"] > 0.95
    assert "% oracle" in str(found)


def test_scores_of_the_ensemble_are_standardized(data: TrainValidationSplit) -> None:
    train = histories_of(data.train, users=data.users, items=data.items)
    scores = fit_ensemble(data, seed=0, factors=8).scores(train[:5])
    np.testing.assert_allclose(scores, standardized(scores), atol=1e-5)


def test_a_catalogue_that_does_not_fit_is_told(data: TrainValidationSplit) -> None:
    with pytest.raises(DataError, match="full model as the teacher"):
        fit_ensemble(replace(data, users=10_000_000), seed=0)


def test_a_student_of_the_ensemble_learns_and_says_whose_it_is(
    trained: TrainedModel, small_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    student = compress(trained, Recipe("student", (STUDENT,)), small_dataset)
    assert student.metrics["hr_at_10"] > 0.8 * trained.metrics["hr_at_10"]
    assert "Ensemble teacher" in caplog.text


def test_calibrated_logits_are_as_likely_as_the_interactions(
    trained: TrainedModel, small_dataset: Dataset, data: TrainValidationSplit
) -> None:
    from hanji.compression.recommenders.compress import fitting_of

    fitting = fitting_of(small_dataset, trained.config, trained.training, seed=trained.seed)
    logits = pair_logits(trained.model, ensemble_of(fitting), fitting.epochs, fitting.seed)
    drawn = fitting.epochs(np.random.default_rng(9))
    users = np.repeat(drawn.users, drawn.items.shape[1])
    probabilities = 1 / (1 + np.exp(-logits(users, drawn.items.ravel())))
    assert probabilities.mean() == pytest.approx(drawn.targets.mean(), abs=0.01)


def test_targets_move_towards_the_teacher_by_its_weight() -> None:
    plain = Samples(np.array([0], np.int32), np.array([[3, 4]], np.int32), np.array([[1, 0]], np.float32))
    draw = teacher_targets(lambda _: plain, lambda users, items: np.zeros(len(users), np.float32), 0.5)
    assert draw(np.random.default_rng(0)).targets.tolist() == [[0.75, 0.25]]
