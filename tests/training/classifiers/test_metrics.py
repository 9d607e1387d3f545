"""Metrics of probabilities, and temperature scaling that calibrates them."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.classifiers.metrics import fit_temperature, metrics_of, probabilities_of


def test_metrics_of_a_few_images_equal_hand_computed_ones() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    found = metrics_of(probabilities, np.array([0, 0, 1, 1], np.int32))
    assert found["top1"] == 0.75
    assert found["macro_top1"] == 0.75
    assert found["nll"] == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3]).mean())
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.4 + 0.7) / 4)


def test_rare_classes_count_equally_in_the_macro_accuracy() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    found = metrics_of(probabilities, np.array([0] * 9 + [1], np.int32))
    assert (found["top1"], found["macro_top1"]) == (0.9, 0.5)


def test_confident_correct_predictions_have_no_error() -> None:
    found = metrics_of(np.eye(3), np.arange(3, dtype=np.int32))
    assert found == {"top1": 1.0, "macro_top1": 1.0, "nll": 0.0, "ece": 0.0}


def test_an_impossible_label_is_costly_but_finite() -> None:
    assert np.isfinite(metrics_of(np.eye(2), np.array([1, 0], np.int32))["nll"])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    rng = np.random.default_rng(0)
    calibrated = rng.normal(0.0, 2.0, (20_000, 5)).astype(np.float32)
    labels = (probabilities_of(calibrated).cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    found = fit_temperature(calibrated * temperature, labels.astype(np.int32))
    assert found == pytest.approx(temperature, rel=0.05)
    assert (
        metrics_of(probabilities_of(calibrated * temperature, found), labels.astype(np.int32))["ece"] < 0.02
    )


def test_all_correct_predictions_do_not_lead_to_extreme_confidence() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 3.0]] * 50, np.float32)
    found = fit_temperature(logits, np.array([0, 1] * 50, np.int32))
    assert 0.95 < probabilities_of(logits, found)[0, 0] < 0.999
