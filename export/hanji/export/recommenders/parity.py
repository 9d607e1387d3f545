"""How far an artifact, in its real engine, is from the compressed Keras model; too far is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hanji.export.bundle.answers import Answers, Scores
from hanji.export.bundle.files import MeasuredParity
from hanji.export.recommenders.expected_outputs import Reference
from hanji.export.recommenders.tolerances import Tolerance
from hanji.runtime.manifest import Artifact
from hanji.runtime.top_k import top_k
from hanji.training.errors import ConversionError

K = 10
_TIE = 1e-5  # of the spread: scores closer than this are equal in 32-bit floats, whichever comes first


@dataclass(frozen=True)
class Measured(MeasuredParity):
    """Parity of a recommender."""

    @property
    def same_answers(self) -> str:
        return f"top-{K} overlap {self.top10_overlap:.3f} (at least {self.minimum_top10_overlap:g})"


def measured(artifact: Artifact, expected: Reference, answers: Answers, allowed: Tolerance) -> Measured:
    """The artifact's parity with the Keras model; ConversionError if it is outside ``allowed``."""
    if not all(np.isfinite(values).all() for values in answers.scores):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected finite scores, found NaN or infinity in "
            f"{answers.engine}; no bundle was written; leave this format out"
        )
    found = np.stack(answers.scores[: len(expected.questions)])
    differences = found - expected.scores
    details = _of_details(expected, found, answers.scores[len(expected.questions) :])
    largest = max(float(np.abs(differences).max()), *details)
    typical = float(np.sqrt(np.mean(np.square(differences))))
    overlap = _overlap(found, expected)
    within = (
        largest <= allowed.largest * expected.spread,
        typical <= allowed.typical * expected.spread,
        overlap >= allowed.overlap,
    )
    if not all(within):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected the scores of the compressed model within "
            f"{allowed.largest:g} of their spread, typically within {allowed.typical:g}, and a top-{K} "
            f"overlap of at least {allowed.overlap:g}; found {largest / expected.spread:.3g}, "
            f"{typical / expected.spread:.3g} and {overlap:.3f} in {answers.engine} over "
            f"{len(expected.questions)} {expected.asks}; no bundle was written; try another scheme of "
            "quantization or int8-qat, or leave this format out"
        )
    return Measured(
        checked=True,
        engine=answers.engine,
        max_abs_error=_rounded(largest),
        score_tolerance=_rounded(allowed.largest * expected.spread),
        top10_overlap=_rounded(overlap),
        minimum_top10_overlap=allowed.overlap,
        typical_error=_rounded(typical),
        typical_tolerance=_rounded(allowed.typical * expected.spread),
    )


def _of_details(expected: Reference, found: Scores, answered: Sequence[Scores]) -> list[float]:
    """The largest difference of each answer that is about single items.

    Both signatures must answer alike, so pairs are held against the artifact's own catalogue. Shares jump
    where the rounding of a kernel takes a unit across its ReLU: the worst eighth of them does not count.
    """
    if expected.pair_rows is not None:
        (pairs,) = answered
        return [float(np.abs(pairs - found[expected.pair_rows, expected.pair_items]).max())]
    differences = [np.abs(own - other) for own, other in zip(answered, expected.shares, strict=True)]
    worst = sorted(float(difference.max()) for difference in differences)
    return worst[: len(worst) - len(worst) // 8]


def _overlap(found: Scores, expected: Reference) -> float:
    """Mean share of the found top ten that the Keras model has there, too, or would have but for a tie."""
    k = min(K, found.shape[1])
    shares = []
    for own, other in zip(found, expected.scores, strict=True):
        edge = np.sort(other)[-k] - _TIE * expected.spread
        shares.append(np.mean(other[top_k(own, k)] >= edge))
    return float(np.mean(shares))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


__all__ = ["K", "Measured", "measured"]
