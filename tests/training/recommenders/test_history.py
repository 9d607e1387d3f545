"""The history model: inputs, outputs, and that every part of it is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from hanji.training.recommenders.baselines.histories import histories_of, standardized
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, Dataset, Interactions
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.history_samples import flat_histories, held_back_histories
from hanji.training.recommenders.history_scoring import scores_of_histories
from hanji.training.recommenders.models import history_start
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.history_start import start_from_scores
from hanji.training.recommenders.models.rows import levels, rounded_rows
from hanji.training.recommenders.objectives import distillation_objective
from hanji.training.recommenders.scoring import scorer_of
from hanji.training.recommenders.tables import writer_of
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel

ITEMS = 30
PLAIN = ModelConfig(type="history", embedding_size=6, hidden_units=(), embedding_stddev=0.5)
CONFIGS = {
    "sum": PLAIN,
    "sum and hidden layer": replace(PLAIN, user_units=5),
    "attention": replace(PLAIN, history_pooling="attention", attention_units=3),
    "timescales": replace(PLAIN, history_pooling="timescales", history_heads=2, history_ages=5),
    "timescales and tower": replace(
        PLAIN, history_pooling="timescales", user_units=5, hidden_units=(7, 4), history_ages=5
    ),
    "attention and tower": replace(PLAIN, history_pooling="attention", hidden_units=(7, 4)),
}


def random_model(config: ModelConfig, seed: int = 0) -> HistoryModel:
    model, rng = HistoryModel(config, ITEMS), np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def scores(model: HistoryModel, *histories: list[int]) -> np.ndarray:
    return np.asarray(model(tf.ragged.constant(histories, dtype=tf.int32)).numpy())


@pytest.fixture(params=CONFIGS, name="model")
def _model(request: pytest.FixtureRequest) -> HistoryModel:
    return random_model(CONFIGS[request.param])


def test_each_history_is_scored_independently(model: HistoryModel) -> None:
    together = scores(model, [1, 2, 3], [7], [9, 4])
    assert together.shape == (3, ITEMS) and np.isfinite(together).all()
    np.testing.assert_allclose(together[1], scores(model, [7])[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together[2], scores(model, [9, 4])[0], rtol=1e-4, atol=1e-5)


def test_order_matters_only_if_it_is_configured(model: HistoryModel) -> None:
    same_scores = np.allclose(scores(model, [1, 2, 3]), scores(model, [3, 2, 1]), rtol=1e-4, atol=1e-5)
    assert same_scores is not model.config.ordered


def test_without_timestamps_a_model_does_not_know_order(small_dataset: Dataset) -> None:
    without_times = replace(small_dataset, train=replace(small_dataset.train, timestamps=None))
    config, training = replace(PLAIN, history_pooling="timescales"), TrainingConfig(epochs=1, batch_size=64)
    ordered = train(small_dataset, model=config, training=training, seed=0)
    unordered = train(without_times, model=config, training=training, seed=0)
    assert ordered.config.ordered and not unordered.config.ordered


def test_scores_depend_on_the_history_and_are_finite_for_an_empty_one(model: HistoryModel) -> None:
    assert not np.allclose(scores(model, [1, 2])[0], scores(model, [1, 3])[0])
    empty = model(tf.RaggedTensor.from_row_splits(tf.zeros([0], tf.int32), [0, 0])).numpy()
    assert np.isfinite(empty).all()


def test_every_weight_has_a_gradient(model: HistoryModel) -> None:
    objective = distillation_objective(ITEMS, teacher_weight=0.5, temperature=1.0, regression_weight=1.0)
    kept, held = np.array([[0, 1], [0, 2], [1, 3]], np.int32), np.array([[0, 4], [1, 5]], np.int32)
    teacher = np.random.default_rng(1).normal(size=(2, ITEMS)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = objective.loss(model, *map(tf.constant, (kept, held, np.int32(2), teacher)))
    for weight, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.name


def test_one_more_interaction_changes_the_ranking(
    trained_history: TrainedModel, small_dataset: Dataset
) -> None:
    model, history = trained_history.model, [3, 5, 8]
    before, after = scores(model, history)[0], scores(model, [*history, 11])[0]
    assert np.argsort(-before).tolist() != np.argsort(-after).tolist()


def test_training_is_better_than_popularity(trained_history: TrainedModel, small_dataset: Dataset) -> None:
    counts = np.array(small_dataset.catalogue.popularity, np.float32)
    popular = evaluate_candidates(lambda users, items: counts[items], small_dataset.test)
    assert trained_history.metrics["ndcg_at_10"] > 1.1 * popular["ndcg_at_10"]


def test_the_same_seed_gives_the_same_model(small_dataset: Dataset, small_config: DataConfig) -> None:
    config = replace(PLAIN, history_pooling="attention", hidden_units=(4,))
    training = TrainingConfig(epochs=2, batch_size=64)
    one, other = (
        train(small_dataset, model=config, training=training, seed=5).model.get_weights() for _ in range(2)
    )
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_pairs_and_tables_have_the_same_scores(trained_history: TrainedModel, small_dataset: Dataset) -> None:
    users, items = small_dataset.catalogue.users, small_dataset.catalogue.items
    scorer = scorer_of(trained_history.model, small_dataset.train, users)
    table = scores_of_histories(trained_history.model)(
        histories_of(small_dataset.train, users=users, items=items)
    )
    rng = np.random.default_rng(0)
    some = rng.integers(0, users, 300).astype(np.int32), rng.integers(0, items, 300).astype(np.int32)
    np.testing.assert_allclose(scorer.pairs(*some), table[some], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scorer.catalogue(7, items), table[7], rtol=1e-4, atol=1e-4)


def test_the_initialization_approximates_scores() -> None:
    rng = np.random.default_rng(0)
    model = HistoryModel(replace(PLAIN, embedding_size=4), ITEMS)
    pairs = np.unique(rng.integers(0, [50, ITEMS], (400, 2)), axis=0)
    train_set = Interactions(pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32), None)
    histories = histories_of(train_set, users=50, items=ITEMS)
    lengths = np.maximum(np.asarray(histories.sum(axis=1)), 1)
    factors = rng.normal(size=(ITEMS, 4))
    wanted = (histories @ factors / lengths**0.65 @ factors.T).astype(np.float32)
    start_from_scores(model, writer_of(wanted.__getitem__), histories, seed=0)
    found = scores_of_histories(model)(histories)
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.5 * wanted.std()


def test_a_sample_of_the_users_has_the_directions_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, [300, ITEMS], (3000, 2)), axis=0)
    train_set = Interactions(pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32), None)
    histories = histories_of(train_set, users=300, items=ITEMS)
    wanted = (rng.normal(size=(300, 4)) @ rng.normal(size=(4, ITEMS))).astype(np.float32)

    def item_space() -> np.ndarray:
        model = HistoryModel(replace(PLAIN, embedding_size=4), ITEMS)
        start_from_scores(model, writer_of(wanted.__getitem__), histories, seed=0)
        basis = np.linalg.qr(model.item_table.numpy())[0]
        return basis @ basis.T

    of_all = item_space()
    monkeypatch.setattr(history_start, "rows_in_batch", lambda row_bytes, largest: 40)
    np.testing.assert_allclose(item_space(), of_all, atol=0.01)


@pytest.mark.parametrize("users", [1, 2, 5])
def test_columns_beyond_the_number_of_users_keep_their_random_values(users: int) -> None:
    rng = np.random.default_rng(0)
    model = random_model(PLAIN)
    before = model.item_table.numpy()
    histories = histories_of(
        Interactions(np.zeros(1, "i4"), np.ones(1, "i4"), None), users=users, items=ITEMS
    )
    table = rng.normal(size=(users, ITEMS)).astype("f4")
    start_from_scores(model, writer_of(table.__getitem__), histories, seed=0)
    changed = (model.item_table.numpy() != before).any(axis=0)
    assert changed.tolist() == [column < users - 1 for column in range(PLAIN.embedding_size)]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_a_model_with_more_factors_than_users_starts_and_trains() -> None:
    rng = np.random.default_rng(0)
    pairs = np.array([(user, item) for user in range(50) for item in rng.choice(300, 12, replace=False)])
    data = Dataset.from_arrays(pairs[:, 0], pairs[:, 1], timestamps=np.arange(len(pairs)))
    training = TrainingConfig(epochs=1, batch_size=16, pretraining_epochs=2)
    model = ModelConfig(type="history", embedding_size=64, hidden_units=())
    found = train(data, model, training, seed=0)
    assert all(np.isfinite(weight).all() for weight in found.model.get_weights())


def test_histories_are_in_time_order_without_duplicates() -> None:
    train_set = Interactions(
        np.array([1, 0, 1, 1, 1], np.int32),
        np.array([5, 9, 2, 5, 7], np.int32),
        np.array([30, 1, 10, 20, 20], np.int64),
    )
    histories = flat_histories(train_set, 3)
    assert [histories.of(user).tolist() for user in range(3)] == [[9], [2, 5, 7], []]


def test_an_epoch_holds_back_the_configured_fraction(small_dataset: Dataset) -> None:
    users = small_dataset.catalogue.users
    draw = held_back_histories(small_dataset.train, users, held_back=0.3)
    epoch = draw(np.random.default_rng(0))
    batches = list(epoch.batches(50))
    assert len(batches) == epoch.steps(50) == users // 50
    kept, held = (sum(len(batch[part]) for batch in batches) for part in (0, 1))
    assert kept + held == len(flat_histories(small_dataset.train, users).items)
    assert 0.25 < held / (kept + held) < 0.35


@pytest.mark.parametrize("bits", [4, 8])
def test_rounded_rows_are_on_a_grid_and_idempotent(bits: int) -> None:
    table = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)
    table[3] = 0.0
    once = rounded_rows(table, bits).numpy()
    scale = np.abs(once).max(axis=1, keepdims=True) / levels(bits)
    quantized = once / np.where(scale > 0, scale, 1)
    np.testing.assert_allclose(quantized, np.rint(quantized), atol=1e-3)
    np.testing.assert_allclose(rounded_rows(once, bits).numpy(), once, rtol=1e-6)
    assert np.sqrt(np.mean((once - table) ** 2)) < {4: 0.12, 8: 0.008}[bits] * table.std() * 1.5


def test_standardized_constant_scores_are_finite() -> None:
    assert np.isfinite(standardized(np.ones((2, 5), np.float32))).all()
