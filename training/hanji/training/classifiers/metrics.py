"""Metrics of a classifier from its probabilities, without TensorFlow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15
"""Bins of the calibration error, as in Guo et al. 2017."""

PROTOCOL = "one label per image: top-1 accuracy over the test images"
_SMALLEST = 1e-12  # a probability of zero would make the likelihood infinite


def metrics_of(probabilities: NDArray[np.floating], labels: NDArray[np.int32]) -> dict[str, float]:
    """Metrics of ``probabilities`` [n, classes] against ``labels`` int32 [n].

    ``top1``: fraction of images whose label has the highest probability. ``macro_top1``: mean accuracy over
    the classes, so that rare ones count equally. ``nll``: mean negative log-likelihood of the labels.
    ``ece``: expected calibration error over 15 bins (Guo et al. 2017), 0 if predictions with a confidence of
    80 % are correct in 80 % of cases, and so on.
    """
    correct = probabilities.argmax(axis=1) == labels
    likelihoods = np.maximum(probabilities[np.arange(len(labels)), labels].astype(np.float64), _SMALLEST)
    recalls = [float(correct[labels == label].mean()) for label in np.unique(labels)]
    return {
        "top1": float(correct.mean()),
        "macro_top1": float(np.mean(recalls)),
        "nll": float(-np.log(likelihoods).mean()),
        "ece": _calibration_error(probabilities.max(axis=1), correct),
    }


def probabilities_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of logits [n, classes] divided by a temperature."""
    probabilities: NDArray[np.float64] = softmax(logits.astype(np.float64) / temperature, axis=1)
    return probabilities


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Fit the temperature of softmax(logits / temperature) to the labels by maximum likelihood.

    Temperature scaling (Guo et al. 2017) changes the confidence of predictions, never the predicted class.
    The result is between 0.05 and 20. The labels are smoothed by 1 / (N + 2), after Platt 1999, so that a few
    hundred correct predictions do not lead to extreme confidence.
    """
    exact, rows = logits.astype(np.float64), np.arange(len(labels))
    smoothing = 1.0 / (len(labels) + 2)

    def cost(exponent: float) -> float:
        log_p = log_softmax(exact / np.exp(exponent), axis=1)
        return -float((1.0 - smoothing) * log_p[rows, labels].mean() + smoothing * log_p.mean())

    result = minimize_scalar(cost, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(f"{np.exp(result.x):.6g}")


def _calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(correct[bins == index].mean()) - float(confidence[bins == index].mean()))
        * float(np.mean(bins == index))
        for index in np.unique(bins)
    ]
    return float(sum(gaps))


__all__ = ["PROTOCOL", "fit_temperature", "metrics_of", "probabilities_of"]
