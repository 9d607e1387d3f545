"""Metrics of a classifier, from its probabilities alone; numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15
"""Of the calibration error, as in Guo et al. 2017."""

PROTOCOL = "one picture, one label: top-1 accuracy over the test pictures"
_SMALLEST = 1e-12  # a probability of zero would make the likelihood infinite


def metrics_of(probabilities: NDArray[np.floating], labels: NDArray[np.int32]) -> dict[str, float]:
    """Metrics of ``probabilities`` [n, classes] against ``labels`` int32 [n].

    ``top1``: share of pictures whose label is most probable. ``macro_top1``: the mean of that over the
    classes, so that rare ones count alike. ``nll``: mean negative logarithm of the label's probability.
    ``ece``: expected calibration error over 15 bins (Guo et al. 2017), 0 where a model that says 80 % is
    right four times out of five.
    """
    found = probabilities.argmax(axis=1)
    right = found == labels
    own = np.maximum(probabilities[np.arange(len(labels)), labels].astype(np.float64), _SMALLEST)
    recalls = [float(right[labels == label].mean()) for label in np.unique(labels)]
    return {
        "top1": float(right.mean()),
        "macro_top1": float(np.mean(recalls)),
        "nll": float(-np.log(own).mean()),
        "ece": _calibration_error(probabilities.max(axis=1), right),
    }


def probabilities_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of logits [n, classes] at a temperature."""
    probabilities: NDArray[np.float64] = softmax(logits.astype(np.float64) / temperature, axis=1)
    return probabilities


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature under which softmax(logits / temperature) fits the labels best (Guo et al. 2017).

    It changes how sure the classifier says it is, never what it says. Between 0.05 and 20. One picture more
    is taken to be wrong than was found to be (after Platt 1999): a few hundred pictures that are all right
    are no reason to be certain.
    """
    exact, rows = logits.astype(np.float64), np.arange(len(labels))
    doubt = 1.0 / (len(labels) + 2)

    def cost(exponent: float) -> float:
        likely = log_softmax(exact / np.exp(exponent), axis=1)
        return -float((1.0 - doubt) * likely[rows, labels].mean() + doubt * likely.mean())

    found = minimize_scalar(cost, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(f"{np.exp(found.x):.6g}")


def _calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(right[bins == index].mean()) - float(confidence[bins == index].mean()))
        * float(np.mean(bins == index))
        for index in np.unique(bins)
    ]
    return float(sum(gaps))


__all__ = ["PROTOCOL", "fit_temperature", "metrics_of", "probabilities_of"]
