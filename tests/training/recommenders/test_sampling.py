"""Sampled items: their probabilities, and losses and scores estimated from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hanji.training.errors import DataError
from hanji.training.memory import memory_limit
from hanji.training.recommenders import evaluation, history_scoring
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.ensemble import fit_ensemble
from hanji.training.recommenders.baselines.histories import histories_of, standardized
from hanji.training.recommenders.baselines.subset_ensemble import fit_subset_ensemble
from hanji.training.recommenders.baselines.subset_scores import (
    CatalogueSample,
    Moments,
    als_subsets,
    ease_subsets,
    weighted_sum,
)
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.footprint import expect_training_memory
from hanji.training.recommenders.history_samples import flat_histories, held_back_histories
from hanji.training.recommenders.history_scoring import LargeHistoryScorer, history_scorer, subset_scorer_of
from hanji.training.recommenders.item_sampling import ItemSampler, items_sampled, sampled_histories
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.objectives import distillation_objective, multinomial_objective
from hanji.training.recommenders.scoring import evaluate_model
from hanji.training.recommenders.tables import subset_pair_scorer
from hanji.training.recommenders.train import train

USERS, ITEMS = 60, 40
CONFIG = ModelConfig(type="history", embedding_size=6, hidden_units=(), embedding_stddev=0.5)
TOWER = replace(CONFIG, hidden_units=(7, 4), user_units=5)
DISTILLATION = {"teacher_weight": 0.5, "temperature": 1.5, "regression_weight": 2.0}


def interactions(seed: int = 0) -> Interactions:
    rng = np.random.default_rng(seed)
    popularity = 1.0 / np.arange(1, ITEMS + 1)
    pairs = [
        (user, item)
        for user in range(USERS)
        for item in rng.choice(ITEMS, 8, replace=False, p=popularity / popularity.sum())
    ]
    users, items = np.array(pairs, np.int32).T
    return Interactions(users, items, None)


def random_model(config: ModelConfig, *, row_bits: int | None = None) -> HistoryModel:
    model, rng = HistoryModel(config, ITEMS, row_bits=row_bits), np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def test_small_catalogues_are_computed_completely() -> None:
    assert items_sampled(TrainingConfig(), 50_000) is None
    assert items_sampled(TrainingConfig(), 50_001) == 8_192
    assert items_sampled(TrainingConfig(sampled_items=100), 1_000) == 100
    assert items_sampled(TrainingConfig(sampled_items=100), 80) is None
    with pytest.raises(ValueError, match="sampled_items"):
        TrainingConfig(sampled_items=0)


def test_samples_have_different_items_with_their_probabilities() -> None:
    counts = np.array([300, 300, 100, 40, 10, 5, 2, 1, 1, 0, 0, 0])
    sampler = ItemSampler.of(counts, 1_000, 5)
    assert sampler.sampled.sum() == pytest.approx(5)
    assert sampler.sampled.max() <= 1.0
    found = np.zeros(len(counts))
    for seed in range(200):
        draws = sampler.draws(np.random.default_rng(seed))
        for _ in range(20):
            drawn = next(draws)
            assert len(np.unique(drawn)) == len(drawn) == 5
            found[drawn] += 1
    np.testing.assert_allclose(found / 4_000, sampler.sampled, atol=0.03)


def test_a_batch_has_its_own_items_and_positions_in_them() -> None:
    data = interactions()
    draw = sampled_histories(data, USERS, ITEMS, 5, held_back=0.3)
    kept_and_held = held_back_histories(data, USERS, held_back=0.3)(np.random.default_rng(1)).order
    batch = next(draw(np.random.default_rng(1)).batches(7))
    kept, held, count, items, log_inclusion = batch
    own = flat_histories(data, USERS).pairs(kept_and_held[:7])
    pairs = np.concatenate([kept, held])
    found = np.stack([pairs[:, 0], items[pairs[:, 1]]], axis=1)
    assert sorted(map(tuple, found)) == sorted(map(tuple, own))
    assert count == 7 and len(items) == len(np.unique(items)) == len(log_inclusion)
    assert (log_inclusion <= 0.0).all() and np.isfinite(log_inclusion).all()


def test_the_inclusion_probability_counts_the_other_users_of_the_batch() -> None:
    sampler = ItemSampler(np.array([0.5, 0.25]), np.array([0.0, 0.1]))
    found = np.exp(sampler.log_inclusion(np.array([0, 1], np.int32), 3))
    np.testing.assert_allclose(found, [0.5, 1 - 0.75 * 0.9**2], rtol=1e-6)


def batch_of(items: np.ndarray, log_inclusion: np.ndarray, teacher: np.ndarray) -> tuple[Any, ...]:
    """A batch of two users, whose items 1, 2, 4 and 3, 5 are at their positions in ``items``."""
    kept, held = np.array([[0, 1], [0, 2], [1, 3]]), np.array([[0, 4], [1, 5]])
    for pairs in (kept, held):
        pairs[:, 1] = np.searchsorted(items, pairs[:, 1])
    arrays = (kept.astype("i4"), held.astype("i4"), np.int32(2), teacher[:, items])
    return (*map(tf.constant, arrays), tf.constant(items), tf.constant(log_inclusion))


@pytest.mark.parametrize("config", [CONFIG, TOWER])
@pytest.mark.parametrize("row_bits", [None, 4])
def test_a_sample_of_all_items_gives_the_exact_losses(config: ModelConfig, row_bits: int | None) -> None:
    model = random_model(config, row_bits=row_bits)
    teacher = np.random.default_rng(1).normal(size=(2, ITEMS)).astype(np.float32)
    *exact, items, log_inclusion = batch_of(np.arange(ITEMS, dtype="i4"), np.zeros(ITEMS, "f4"), teacher)
    for one, other, arrays in (
        (multinomial_objective(), multinomial_objective(sampled=True), exact[:3]),
        (
            distillation_objective(ITEMS, **DISTILLATION),
            distillation_objective(ITEMS, **DISTILLATION, sampled=True),
            exact,
        ),
    ):
        expected = one.loss(model, *arrays)
        found = other.loss(model, *arrays, items, log_inclusion)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sampled_gradients_are_those_of_the_catalogue_on_average() -> None:
    model = random_model(replace(CONFIG, embedding_size=3))
    teacher = np.random.default_rng(1).normal(size=(2, ITEMS)).astype(np.float32)
    objective = distillation_objective(ITEMS, **DISTILLATION, sampled=True)
    gradient = tf.function(lambda *arrays: _gradient(model, objective, arrays))
    everything = batch_of(np.arange(ITEMS, dtype="i4"), np.zeros(ITEMS, "f4"), teacher)
    expected = gradient(*everything).numpy()
    own = np.array([1, 2, 3, 4, 5], np.int32)
    sampler = ItemSampler.of(np.arange(ITEMS)[::-1] * 3, USERS, 25)
    sampler = replace(sampler, popular=np.zeros(ITEMS))
    draws, total, count = sampler.draws(np.random.default_rng(0)), 0.0, 1_500
    for _ in range(count):
        items = np.unique(np.concatenate([own, next(draws)]))
        # As the others of the batch are always the same two users, their items are certain.
        log_inclusion = np.where(np.isin(items, own), 0.0, np.log(sampler.sampled[items])).astype(np.float32)
        total = total + gradient(*batch_of(items, log_inclusion, teacher)).numpy()
    error = np.linalg.norm(total / count - expected) / np.linalg.norm(expected)
    assert error < 0.08


def _gradient(model: HistoryModel, objective: Any, arrays: tuple[Any, ...]) -> Any:
    with tf.GradientTape() as tape:
        loss = objective.loss(model, *arrays)
    slices = tape.gradient(loss, model.item_table)
    return tf.convert_to_tensor(slices)


@pytest.mark.parametrize("config", [CONFIG, TOWER])
@pytest.mark.parametrize("row_bits", [None, 4])
def test_pairs_and_subsets_have_the_scores_of_the_catalogue(
    config: ModelConfig, row_bits: int | None
) -> None:
    model, data = random_model(config, row_bits=row_bits), interactions()
    histories = flat_histories(data, USERS)
    table = history_scorer(model, histories).table(np.arange(USERS))
    large = LargeHistoryScorer(history_scorer(model, histories)._functions, histories)
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, USERS, 500).astype("i4"), rng.integers(0, ITEMS, 500).astype("i4")
    np.testing.assert_allclose(large.pairs(users, items), table[users, items], rtol=1e-4, atol=1e-5)
    subset = subset_scorer_of(model, histories_of(data, users=USERS, items=ITEMS))
    some = np.array([3, 9, 30], np.int32)
    np.testing.assert_allclose(subset(np.array([5, 2]), some), table[[5, 2]][:, some], rtol=1e-4, atol=1e-5)
    found = subset_pair_scorer(subset)(users, items)
    np.testing.assert_allclose(found, table[users, items], rtol=1e-4, atol=1e-5)


def test_reference_models_score_subsets_as_they_score_catalogues() -> None:
    train_set = histories_of(interactions(), users=USERS, items=ITEMS)
    als, ease = Als.fit(train_set, factors=4, epochs=2), Ease.fit(train_set)
    popular = np.arange(0, ITEMS, 2)
    partial = Ease(ease.weights[np.ix_(popular, popular)], popular)
    users = np.array([7, 1, 30])
    for items in (np.array([2, 5, 6, 39], np.int32), np.arange(ITEMS, dtype=np.int32)):
        for model, subsets in (
            (als, als_subsets(als)),
            (ease, ease_subsets(ease, ITEMS)),
            (partial, ease_subsets(partial, ITEMS)),
        ):
            found = subsets(train_set)(users, items)
            np.testing.assert_allclose(found, model.scores(train_set[users])[:, items], rtol=1e-4, atol=1e-5)


def test_standardized_sums_are_those_of_whole_tables() -> None:
    rng = np.random.default_rng(0)
    tables = [rng.normal(2, 3, (USERS, ITEMS)).astype("f4"), rng.exponential(1, (USERS, ITEMS)).astype("f4")]
    scorers = [lambda users, items, table=table: table[users][:, items] for table in tables]
    sample = CatalogueSample.of(np.arange(ITEMS), seed=0)
    assert sample.shares.sum() == pytest.approx(1.0)
    found = weighted_sum(scorers, [0.25, 0.75], Moments.of(scorers, USERS, sample))
    expected = standardized(0.25 * standardized(tables[0]) + 0.75 * standardized(tables[1]))
    everything = np.arange(ITEMS, dtype=np.int32)
    np.testing.assert_allclose(found(np.arange(USERS), everything), expected, rtol=1e-3, atol=1e-4)


def test_a_catalogue_sample_represents_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanji.training.recommenders.baselines.subset_scores._HALF", 10)
    counts = np.arange(ITEMS)
    sample = CatalogueSample.of(counts, seed=0)
    assert set(sample.items[:10]) == set(range(30, 40)) and len(set(sample.items)) == 20
    np.testing.assert_allclose(sample.shares, [1 / 40] * 10 + [3 / 40] * 10)


def test_the_subset_ensemble_is_the_ensemble(small_dataset: Dataset) -> None:
    data = train_validation_split(small_dataset, 0)
    exact = fit_ensemble(data, seed=0, factors=8)
    found = fit_subset_ensemble(data, seed=0, factors=8)
    assert found.weights == exact.weights
    assert found.validation == pytest.approx(dict(exact.validation), abs=0.005)
    users, everything = np.array([3, 0, 11]), np.arange(data.items, dtype=np.int32)
    np.testing.assert_allclose(found.known(users, everything), exact.known(users), rtol=1e-2, atol=1e-3)
    metrics = found.evaluate(small_dataset)
    assert metrics["ndcg_at_10"] > 0.1


def test_training_with_sampled_items_reaches_the_exact_metrics(small_dataset: Dataset) -> None:
    config = ModelConfig(type="history", embedding_size=16, hidden_units=())
    exact = TrainingConfig(epochs=4, batch_size=32, pretraining_epochs=2)
    sampled = replace(exact, sampled_items=small_dataset.catalogue.items // 3)
    one, other = (
        train(small_dataset, config, training, seed=0).metrics["ndcg_at_10"] for training in (exact, sampled)
    )
    assert other > 0.93 * one


def test_the_same_seed_gives_the_same_model(small_dataset: Dataset) -> None:
    training = TrainingConfig(epochs=2, batch_size=64, pretraining_epochs=1, sampled_items=50)
    one, other = (train(small_dataset, CONFIG, training, seed=5).model.get_weights() for _ in range(2))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_metrics_of_a_large_catalogue_are_those_of_a_sample_of_users(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items = small_dataset.catalogue.items
    model = HistoryModel(CONFIG, items)
    exact = evaluate_model(model, small_dataset)
    for module in (evaluation, history_scoring):
        monkeypatch.setattr(module, "LARGE_CATALOGUE", items - 1)
    again = evaluate_model(model, small_dataset)
    assert again.keys() == exact.keys() == {"sampled", "full"}
    for name, metrics in exact.items():
        assert again[name] == pytest.approx(metrics, abs=1e-6)
    monkeypatch.setattr(evaluation, "MOST_SCORES", 20 * items)
    with caplog.at_level("INFO", logger="hanji"):
        found = evaluate_model(model, small_dataset)
    assert "precision@10" in caplog.text and "a random sample of 20 of" in caplog.text
    assert found["sampled"]["ndcg_at_10"] == pytest.approx(exact["sampled"]["ndcg_at_10"], abs=1e-6)
    for name, metrics in exact.items():
        assert found[name].keys() == metrics.keys()


def test_an_exported_model_of_a_large_catalogue_is_measured_for_a_sample(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items, scored = small_dataset.catalogue.items, []
    monkeypatch.setattr(evaluation, "LARGE_CATALOGUE", items - 1)
    monkeypatch.setattr(evaluation, "MOST_SCORES", 20 * items)

    def score(users: np.ndarray) -> np.ndarray:
        scored.extend(users)
        return np.random.default_rng(0).normal(size=(len(users), items)).astype(np.float32)

    with caplog.at_level("INFO", logger="hanji"):
        found = evaluation.evaluate(score, small_dataset)
    assert len(scored) == 20 and found["hr_at_10"] <= 1.0
    assert "hr@10" in caplog.text and "a random sample of 20 of" in caplog.text


def test_memory_is_estimated_for_the_sampled_items() -> None:
    config = ModelConfig(type="history", embedding_size=32, hidden_units=())
    shape = {"users": 100_000, "items": 1_000_000, "interactions": 1_000_000}
    with memory_limit(8 * 10**9):
        expect_training_memory(config, TrainingConfig(batch_size=64), **shape)
        with pytest.raises(DataError, match="a smaller batch_size"):
            expect_training_memory(config, TrainingConfig(batch_size=16_384), **shape)
