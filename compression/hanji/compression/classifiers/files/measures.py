"""How far the answers of a file are from those of the original, by the kind of its output.

The agreement is a number from 0 to 1 with one bound for all kinds. For several labels it is the F1 score of
the (image, label) pairs: the share of pairs decided alike would be high for a file that gives no labels, as
most pairs have none, and of one label per image the F1 score is the share of equal labels. For values it is
the lowest coefficient of determination, 1 − MSE / variance: at the bound, the difference is a fifth of the
standard deviation of the value over the images, which adds a tenth to an error of half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.agreement import centred, centred_logits, relative_error
from hanji.runtime.manifest import Output

Values = npt.NDArray[np.float64]
LEAST_AGREEMENT = 0.95
"""The least agreement of a quantized file with the original."""

_LEAST_SIZE = 1e-6
_NO_SPREAD = 1e-3
"""The spread of a value that is the same for all images, as a part of its size."""


class Measure(Protocol):
    """Compares outputs with those of the original, both float64 [images, outputs]."""

    @property
    def subject(self) -> str:
        """What is compared, such as "best class"."""
        ...

    @property
    def name(self) -> str:
        """The agreement in words, such as "same best class"."""
        ...

    def error(self, found: Values, expected: Values) -> float:
        """The difference relative to the spread of the expected outputs: the lower, the closer."""
        ...

    def agreement(self, found: Values, expected: Values, rounding: float = 0.0) -> float:
        """From 0 to 1. Outputs within ``rounding`` of a decision are on both sides of it."""
        ...

    def sizes(self, expected: Values) -> Values | float:
        """What differences by rounding are relative to: one number, or one for each output."""
        ...

    def shows_little(self, expected: Values) -> str:
        """Why these expected outputs cannot tell files apart, in words; empty if they can."""
        ...


class BestClass:
    """Of classes that exclude one another: the share of images with the same best class."""

    subject, name = "best class", "same best class"

    def error(self, found: Values, expected: Values) -> float:
        """Of the logits, relative to their standard deviation."""
        return relative_error(_logits(found), _logits(expected))

    def agreement(self, found: Values, expected: Values, rounding: float = 0.0) -> float:
        """The share of images."""
        rows = np.arange(len(expected))
        same = expected[rows, found.argmax(axis=1)] >= expected.max(axis=1) - 2 * rounding
        return float(np.mean(same))

    def sizes(self, expected: Values) -> float:
        """The largest output."""
        return float(np.abs(expected).max())

    def shows_little(self, expected: Values) -> str:
        """That all images have one class."""
        if len(set(expected.argmax(axis=1).tolist())) > 1:
            return ""
        return "has the same best class for all images; give images of several classes"


@dataclass(frozen=True)
class SameLabels:
    """Of independent labels: the F1 score of the (image, label) pairs, with the original's as the truth."""

    thresholds: tuple[float, ...]
    subject: str = "labels"
    name: str = "F1 score of the labels"

    def error(self, found: Values, expected: Values) -> float:
        """Of the probabilities, relative to their standard deviation."""
        return relative_error(found, expected)

    def agreement(self, found: Values, expected: Values, rounding: float = 0.0) -> float:
        """The F1 score; if the original gives no labels, the share of pairs without one."""
        thresholds = np.array(self.thresholds)
        close = np.abs(expected - thresholds) <= rounding
        truth = expected >= thresholds
        given = np.where(close, truth, found >= thresholds)
        if not truth.any():
            return float(np.mean(~given))
        return 2.0 * int((given & truth).sum()) / int(given.sum() + truth.sum())

    def sizes(self, expected: Values) -> float:
        """The largest output."""
        return float(np.abs(expected).max())

    def shows_little(self, expected: Values) -> str:
        """That no image has a label."""
        if (expected >= np.array(self.thresholds)).any():
            return ""
        return "gives no label for any image; give images that have some, or lower thresholds"


class SameValues:
    """Of numbers: the lowest coefficient of determination of a value, with the original's as the truth."""

    subject, name = "values", "coefficient of determination"

    def error(self, found: Values, expected: Values) -> float:
        """The largest root mean square difference of a value, relative to its standard deviation."""
        spread = np.maximum(expected.std(axis=0), _NO_SPREAD * np.abs(expected).max(axis=0))
        differences = np.sqrt(np.mean(np.square(found - expected), axis=0))
        return float((differences / np.maximum(spread, 1e-9)).max())

    def agreement(self, found: Values, expected: Values, rounding: float = 0.0) -> float:
        """1 − error², at least 0."""
        return max(0.0, 1.0 - self.error(found, expected) ** 2)

    def sizes(self, expected: Values) -> Values:
        """The largest number of each value."""
        return sizes_of(expected)

    def shows_little(self, expected: Values) -> str:
        """That a value is the same for all images."""
        if np.ptp(expected, axis=0).all():
            return ""
        return "has a value that is the same for all images; give images that differ in it"


def worst_difference(found: Values, expected: Values, allowed: Values | float) -> tuple[float, float]:
    """The difference that is largest relative to what is ``allowed`` for its output, and that."""
    differences = np.abs(found - expected)
    bounds = np.broadcast_to(allowed, differences.shape)
    worst = np.argmax(differences / bounds)
    return float(differences.flat[worst]), float(bounds.flat[worst])


def sizes_of(values: npt.NDArray[np.floating[Any]]) -> Values:
    """The largest absolute number of each value over the images, of values [images, values].

    A value of zeros has the part of the largest one that float32 still tells apart.
    """
    found = np.abs(values.astype(np.float64)).max(axis=0)
    sizes: Values = np.maximum(found, _LEAST_SIZE * max(float(found.max()), _LEAST_SIZE))
    return sizes


def measure_of(output: Output | None) -> Measure:
    """The measure for a kind of output; None stands for one label per image."""
    if output is None:
        return BestClass()
    return SameLabels(output.thresholds) if output.thresholds else SameValues()


def _logits(values: Values) -> Values:
    """Outputs as centred logits, whether they are probabilities or not."""
    are_probabilities = (values >= 0.0).all() and np.abs(values.sum(axis=1) - 1.0).max() < 1e-2
    return centred_logits(values) if are_probabilities else centred(values)


__all__ = [
    "LEAST_AGREEMENT",
    "BestClass",
    "Measure",
    "SameLabels",
    "SameValues",
    "Values",
    "measure_of",
    "sizes_of",
    "worst_difference",
]
