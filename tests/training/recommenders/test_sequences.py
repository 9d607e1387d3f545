"""Models that know order: states at every position, pieces of histories, and the objective on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from hanji.training.errors import DataError
from hanji.training.fitting.supervision import Part
from hanji.training.memory import memory_limit
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.footprint import expect_training_memory
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.item_sampling import sampled_next_items
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.padding import PADDING
from hanji.training.recommenders.models.pooling import TimescalePooling
from hanji.training.recommenders.objectives import Following, next_item_objective
from hanji.training.recommenders.sequence_samples import next_items
from hanji.training.recommenders.sequence_scoring import weighted_logits
from hanji.training.recommenders.train import train

ITEMS = 30
CONFIG = ModelConfig(
    type="history",
    embedding_size=6,
    hidden_units=(),
    user_units=5,
    embedding_stddev=0.5,
    history_pooling="timescales",
    history_ages=4,
)
LENGTHS = (7, 1, 4, 0, 13)


def random_model(config: ModelConfig = CONFIG, seed: int = 0) -> HistoryModel:
    model, rng = HistoryModel(config, ITEMS), np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def interactions(lengths: tuple[int, ...] = LENGTHS) -> Interactions:
    """Histories of these lengths, each of different items, with times."""
    rng = np.random.default_rng(3)
    items = np.concatenate([rng.permutation(ITEMS)[:length] for length in lengths]).astype(np.int32)
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return Interactions(users, items, np.arange(len(items), dtype=np.int64))


def test_each_state_is_the_user_vector_of_the_history_so_far() -> None:
    model, rng = random_model(), np.random.default_rng(1)
    sequences = rng.integers(0, ITEMS, (3, 9)).astype(np.int32)
    states = model.states(sequences, model.table()).numpy()
    for row, sequence in enumerate(sequences):
        for end in range(len(sequence)):
            history = tf.constant(sequence[: end + 1])
            expected = model.users_of(history, tf.zeros_like(history), tf.constant(1), model.table())
            np.testing.assert_allclose(states[row, end], expected[0], rtol=1e-4, atol=1e-5)


def test_states_depend_on_no_later_item_and_on_no_padding() -> None:
    model = random_model()
    sequence = np.array([[3, 1, 4, 1, 5, 9]], np.int32)
    changed, padded = sequence.copy(), np.pad(sequence, ((0, 0), (0, 3)), constant_values=PADDING)
    changed[0, 4] = 20
    table = model.table()
    states, other = model.states(sequence, table).numpy(), model.states(changed, table).numpy()
    np.testing.assert_array_equal(states[:, :4], other[:, :4])
    assert not np.allclose(states[:, 4], other[:, 4])
    np.testing.assert_allclose(model.states(padded, table)[:, :6], states, rtol=1e-5, atol=1e-6)


def test_only_as_many_items_count_as_there_are_ages() -> None:
    model = random_model()
    history = [2, 7, 11, 13, 17]
    scores = [
        model(tf.ragged.constant([items], dtype=tf.int32)).numpy()
        for items in (history, [29, *history[1:]], [history[0], 29, *history[2:]])
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


def test_heads_start_with_different_power_laws_of_the_age() -> None:
    pooling = HistoryModel(replace(CONFIG, history_heads=3), ITEMS).pooling
    assert isinstance(pooling, TimescalePooling)
    weights = np.exp(pooling.log_weights.numpy())
    np.testing.assert_allclose(weights[:, 0], 1.0)
    np.testing.assert_allclose(weights[:, 1], 1 / np.arange(1, 5), rtol=1e-6)
    np.testing.assert_allclose(weights[:, 2], np.arange(1, 5) ** -0.5, rtol=1e-6)


@pytest.mark.parametrize("longest", [3, 5, 50])
def test_every_item_but_the_first_is_a_target_once_after_the_items_before_it(longest: int) -> None:
    histories = flat_histories(interactions(), len(LENGTHS))
    epoch = next_items(interactions(), len(LENGTHS), longest=longest)(np.random.default_rng(0))
    found = []
    for sequences, targets in epoch.batches(2):
        for row, position, item in targets:
            assert sequences[row, position + 1] == item
            context = sequences[row, : position + 1]
            user = next(u for u in range(len(LENGTHS)) if _follows(histories.of(u), context, item))
            found.append((user, int(item)))
    # In pieces, the first item after a cut has nothing before it.
    expected = [(user, item) for user in range(len(LENGTHS)) for item in histories.of(user)[1:].tolist()]
    assert len(found) == len(set(found)) and set(found) <= set(expected)
    assert len(found) == len(expected) or longest < max(LENGTHS)
    assert len(found) >= 0.7 * len(expected)


@pytest.mark.parametrize("longest", [1, 2, 4])
def test_a_target_has_up_to_the_longest_number_of_items_before_it(longest: int) -> None:
    epoch = next_items(interactions(), len(LENGTHS), longest=longest)(np.random.default_rng(0))
    given = np.concatenate([targets[:, 1] + 1 for _, targets in epoch.batches(2)])
    assert given.min() == 1 and given.max() == longest


def test_histories_of_one_item_are_an_error() -> None:
    with pytest.raises(DataError, match="at least two training interactions"):
        next_items(interactions((1, 0, 1)), 3, longest=4)


def _follows(history: np.ndarray, context: np.ndarray, item: int) -> bool:
    ends = np.flatnonzero(history == item)
    if not len(ends):
        return False
    return history[max(ends[0] - len(context), 0) : ends[0]].tolist() == context.tolist()


def test_the_objective_is_the_softmax_over_items_that_the_history_does_not_have() -> None:
    model = random_model()
    sequences = np.array([[3, 1, 4, 8], [7, 2, PADDING, PADDING]], np.int32)
    targets = np.array([[0, 0, 1], [0, 2, 8], [1, 0, 2]], np.int32)
    loss = next_item_objective(ITEMS).loss(model, tf.constant(sequences), tf.constant(targets))
    expected = []
    for row, position, item in targets:
        history = sequences[row, : position + 1]
        logits = model(tf.ragged.constant([history.tolist()], dtype=tf.int32)).numpy()[0].astype(np.float64)
        rest = np.delete(logits, history)
        expected.append(np.log(np.exp(rest).sum()) - logits[item])
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_student_that_agrees_with_its_teacher_loses_only_the_entropy() -> None:
    model = random_model()
    sequences, targets = np.array([[3, 1, 4, 8]], np.int32), np.array([[0, 1, 4], [0, 2, 8]], np.int32)
    teacher = weighted_logits([model], [1.0])(sequences, targets, None)
    batch = tuple(map(tf.constant, (sequences, targets)))
    objective = next_item_objective(ITEMS, following=Following(weight=1.0, temperature=2.0))
    losses = [float(objective.loss(model, *batch, tf.constant(teacher + noise))) for noise in (0.0, _noise())]
    free = np.array([[item not in (3, 1, 4)[: 2 + row] for item in range(ITEMS)] for row in range(2)])
    entropies = []
    for row in range(2):
        logits = teacher[row][free[row]] / 2.0
        p = np.exp(logits) / np.exp(logits).sum()
        entropies.append(-(p * np.log(p)).sum())
    assert losses[0] == pytest.approx(np.mean(entropies), rel=1e-4) and losses[1] > losses[0]


def _noise() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 2.0, (2, ITEMS)).astype(np.float32)


def test_a_sample_of_all_items_gives_the_same_loss() -> None:
    model = random_model()
    epoch = sampled_next_items(interactions(), len(LENGTHS), ITEMS, ITEMS, longest=4)(
        np.random.default_rng(0)
    )
    exact, sampled = next_item_objective(ITEMS), next_item_objective(ITEMS, sampled=True)
    for sequences, targets, items, log_inclusion in epoch.batches(3):
        own = np.where(sequences == PADDING, PADDING, items[sequences])
        following = np.column_stack([targets[:, :2], items[targets[:, 2]]])
        loss = exact.loss(model, tf.constant(own), tf.constant(following))
        estimate = sampled.loss(model, *map(tf.constant, (sequences, targets, items, log_inclusion)))
        assert len(items) == ITEMS
        assert float(estimate) == pytest.approx(float(loss), rel=1e-5)


def test_a_teacher_of_sampled_items_gives_their_logits_of_the_catalogue() -> None:
    teacher = weighted_logits([random_model(), random_model(seed=1)], [0.25, 0.75])
    draw = sampled_next_items(interactions(), len(LENGTHS), ITEMS, 5, longest=6, teacher=teacher)
    for sequences, targets, logits, items, _ in draw(np.random.default_rng(0)).batches(2):
        assert len(items) < ITEMS
        own = np.where(sequences == PADDING, PADDING, items[sequences])
        expected = teacher(own, targets, None)[:, items]
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lengths", [(60,) * 30, (60,) * 10 + (4,) * 200])
def test_the_inclusion_of_sampled_items_is_that_of_pieces_of_histories(lengths: tuple[int, ...]) -> None:
    """Weighted with their inclusion, the items of a batch are as many as those of the catalogue."""
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(300)[:length] for length in lengths]).astype(np.int32)
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    train = Interactions(users, items, np.arange(len(items), dtype=np.int64))
    draw = sampled_next_items(train, len(lengths), 300, 20, longest=9)
    found = [
        np.exp(-log_inclusion).sum()
        for epoch in range(10)
        for *_, log_inclusion in draw(np.random.default_rng(epoch)).batches(8)
    ]
    assert np.mean(found) == pytest.approx(300, rel=0.2)


def test_the_parts_of_two_workers_make_up_the_loss() -> None:
    model, objective = random_model(), next_item_objective(ITEMS)
    epoch = next_items(interactions(), len(LENGTHS), longest=6)(np.random.default_rng(0))
    assert objective.share is not None
    for batch in epoch.batches(4):
        whole = float(objective.loss(model, *map(tf.constant, batch)))
        shares = [objective.share(batch, Part(index, 2)) for index in range(2)]
        total = sum(
            weight * float(objective.loss(model, *map(tf.constant, share))) for share, weight in shares
        )
        assert total == pytest.approx(whole, rel=1e-5)


def test_every_weight_has_a_gradient() -> None:
    model, objective = random_model(), next_item_objective(ITEMS)
    epoch = next_items(interactions(), len(LENGTHS), longest=6)(np.random.default_rng(0))
    with tf.GradientTape() as tape:
        loss = objective.loss(model, *map(tf.constant, next(epoch.batches(8))))
    for weight, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.name


def test_a_model_that_knows_order_predicts_what_follows() -> None:
    """Each user walks through the items of a circle from a random one; the next one is certain."""
    rng = np.random.default_rng(0)
    walks = np.stack([(start + np.arange(8)) % ITEMS for start in rng.integers(0, ITEMS, 200)])
    users = np.repeat(np.arange(200), 8)
    dataset = Dataset.from_arrays(users, walks.ravel(), timestamps=np.tile(np.arange(8), 200))
    training = TrainingConfig(epochs=30, batch_size=50, learning_rate=0.02, average_decay=0.9, patience=30)
    hits = {}
    for pooling in ("timescales", "sum"):
        config = replace(CONFIG, embedding_size=16, history_pooling=pooling)
        hits[pooling] = train(dataset, config, training, seed=0).metrics["ndcg_at_10"]
    assert hits["timescales"] > 0.95 > hits["sum"] + 0.1, hits


def test_memory_is_estimated_for_the_targets_of_a_step() -> None:
    config = ModelConfig(type="history", embedding_size=32, hidden_units=(), history_pooling="timescales")
    shape = {"users": 10_000, "items": 50_000, "interactions": 400_000}
    training = TrainingConfig(batch_size=1_024)  # 1,024 · 32 targets take 52 GB
    with memory_limit(8 * 10**9):
        expect_training_memory(replace(config, history_ages=2), training, **shape)
        with pytest.raises(DataError, match="a smaller batch_size, or more memory"):
            expect_training_memory(config, training, **shape)
        with pytest.raises(DataError, match="a smaller batch_size, no hidden_units, or more memory"):
            expect_training_memory(replace(config, hidden_units=(64,)), training, **shape)
