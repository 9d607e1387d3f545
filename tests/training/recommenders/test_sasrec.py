"""SASRec: its forward pass against the paper's equations in numpy, causality and padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from hanji.training.recommenders.models.padding import PADDING
from hanji.training.recommenders.models.sasrec import SasRec, SasRecConfig

ITEMS = 20
CONFIG = SasRecConfig(factors=6, blocks=2, heads=3, length=5)


def random_model(config: SasRecConfig = CONFIG) -> SasRec:
    model, rng = SasRec(config, ITEMS), np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def states(model: SasRec, *sequences: list[int]) -> np.ndarray:
    found = model.states(tf.constant(sequences, tf.int32), model.table())
    return np.asarray(found.numpy())


def weights_of(layer: tf.Module) -> list[np.ndarray]:
    return [weight.numpy().astype(np.float64) for weight in layer.weights]


def normalized(values: np.ndarray, layer: tf.Module) -> np.ndarray:
    gain, shift = weights_of(layer)
    result: np.ndarray = gain * (values - values.mean()) / np.sqrt(values.var() + 1e-6) + shift
    return result


def expected_states(model: SasRec, sequence: list[int]) -> np.ndarray:
    """The equations of the paper, position by position and head by head; item s is of age t - s."""
    config, width = model.config, model.config.factors // model.config.heads
    rows = np.asarray(model.table().numpy(), np.float64)
    state = [np.sqrt(config.factors) * rows[item] for item in sequence]
    for block in model.blocks:
        query, key, value, mix = (
            weights_of(part)[0] for part in (block.query, block.key, block.value, block.mix)
        )
        ages = np.asarray(block.age_logits.numpy(), np.float64)
        (inner, inner_bias), (outer, outer_bias) = weights_of(block.inner), weights_of(block.outer)
        known = [normalized(each, block.attention_norm) for each in state]
        following = []
        for t, own in enumerate(state):
            seen = range(max(t - config.length + 1, 0), t + 1)
            heads = []
            for head in range(config.heads):
                part = slice(head * width, (head + 1) * width)
                logits = [
                    (known[t] @ query)[part] @ (known[s] @ key)[part] / np.sqrt(width) + ages[head, t - s]
                    for s in seen
                ]
                attention = np.exp(logits) / np.exp(logits).sum()
                heads.append(sum(a * (known[s] @ value)[part] for a, s in zip(attention, seen, strict=True)))
            attended = own + np.concatenate(heads) @ mix
            hidden = np.maximum(normalized(attended, block.network_norm) @ inner + inner_bias, 0)
            following.append(attended + hidden @ outer + outer_bias)
        state = following
    return np.array([normalized(each, model.norm) for each in state])


def test_states_and_logits_are_those_of_the_equations() -> None:
    model, sequence = random_model(), [3, 0, 7, 7, 19, 4, 11, 2]  # longer than a position attends to
    expected = expected_states(model, sequence)
    np.testing.assert_allclose(states(model, sequence)[0], expected, rtol=1e-4, atol=1e-4)
    logits = model(tf.constant([sequence]))[0].numpy()
    np.testing.assert_allclose(logits, expected @ model.table().numpy().T, rtol=1e-3, atol=1e-3)


def test_a_later_item_changes_no_earlier_state() -> None:
    model = random_model()
    before, after = states(model, [1, 2, 3, 4, 5], [1, 2, 3, 9, 5])
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (before[3:] != after[3:]).all()


def test_order_counts() -> None:
    first, second = states(random_model(), [1, 2, 3], [2, 1, 3])
    assert abs(first[2] - second[2]).max() > 1e-3


def test_padding_changes_nothing() -> None:
    model = random_model()
    padded = states(model, [1, 2, 3, PADDING, PADDING], [4, 5, 6, 7, 8])
    np.testing.assert_allclose(padded[0, :3], states(model, [1, 2, 3])[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(padded[1], states(model, [4, 5, 6, 7, 8])[0], rtol=1e-5, atol=1e-6)
    assert np.isfinite(states(model, [PADDING])).all()


def test_sequences_have_positions_in_the_table_that_is_given() -> None:
    model = random_model()
    found = model.states(tf.constant([[2, 0, 1]]), model.table(tf.constant([4, 9, 12])))
    np.testing.assert_array_equal(found[0].numpy(), states(model, [12, 4, 9])[0])


def test_saved_weights_restore_the_model(tmp_path: Path) -> None:
    model, restored = random_model(), SasRec(CONFIG, ITEMS)
    np.savez(tmp_path / "weights.npz", *model.get_weights())
    with np.load(tmp_path / "weights.npz") as saved:
        restored.set_weights([saved[name] for name in saved.files])
    np.testing.assert_array_equal(states(restored, [1, 2, 3]), states(model, [1, 2, 3]))


def test_dropout_acts_in_training_only() -> None:
    model = random_model()
    sequences = tf.constant([[1, 2, 3]])
    dropped = model.states(sequences, model.table(), training=True).numpy()
    assert abs(dropped - states(model, [1, 2, 3])).max() > 1e-3
    np.testing.assert_array_equal(states(model, [1, 2, 3]), states(model, [1, 2, 3]))


@pytest.mark.parametrize("changed", [{"heads": 4}, {"length": 0}, {"dropout": 1.0}])
def test_an_invalid_size_is_an_error(changed: dict[str, float]) -> None:
    (name,) = changed
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        SasRecConfig(**{"factors": 6, "heads": 3, **changed})  # type: ignore[arg-type]
