"""Parity of an artifact, run in its engine, with the compressed Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hanji.export.bundle.files import MeasuredParity, rounded
from hanji.export.bundle.queries import Outputs, Scores
from hanji.export.recommenders.expected_outputs import Reference
from hanji.export.recommenders.tolerances import Tolerance
from hanji.runtime.manifest import Artifact
from hanji.runtime.top_k import top_k
from hanji.training.errors import ConversionError

K = 10
_TIE = 1e-5  # of the spread: scores closer than this count as tied: float32 rounding decides their order


@dataclass(frozen=True)
class RecommenderParity(MeasuredParity):
    """Parity of a recommender."""

    @property
    def agreement_summary(self) -> str:
        return f"top-{K} overlap {self.top10_overlap:.3f} (at least {self.minimum_top10_overlap:g})"


def recommender_parity(
    artifact: Artifact, expected: Reference, outputs: Outputs, allowed: Tolerance
) -> RecommenderParity:
    """The artifact's parity with the Keras model; ConversionError if it exceeds ``allowed``."""
    if not all(np.isfinite(values).all() for values in outputs.scores):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected finite scores, found NaN or infinity in "
            f"{outputs.engine}; no bundle was written; export without this format"
        )
    found = np.stack(outputs.scores[: len(expected.queries)])
    differences = found - expected.scores
    details = _detail_differences(expected, found, outputs.scores[len(expected.queries) :])
    # A rounded user vector changes an item's scores in proportion to the length of its row, as the scores
    # themselves: for the most popular items of a large catalogue, many times the spread.
    own_size = np.sqrt(np.mean(np.square(expected.scores), axis=0))
    relative = np.abs(differences) / np.maximum(own_size, expected.spread)
    largest = max(float(relative.max()) * expected.spread, *details)
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
            f"{allowed.largest:g} of their standard deviation (RMS within {allowed.typical:g}) and a top-{K} "
            f"overlap of at least {allowed.overlap:g}; found {largest / expected.spread:.3g} (RMS "
            f"{typical / expected.spread:.3g}) and {overlap:.3f} in {outputs.engine} over "
            f"{len(expected.queries)} {expected.input_kind}; no bundle was written; try another quantization "
            "scheme such as int8-qat, or export without this format"
        )
    return RecommenderParity(
        checked=True,
        engine=outputs.engine,
        max_abs_error=rounded(largest),
        score_tolerance=rounded(allowed.largest * expected.spread),
        top10_overlap=rounded(overlap),
        minimum_top10_overlap=allowed.overlap,
        typical_error=rounded(typical),
        typical_tolerance=rounded(allowed.typical * expected.spread),
    )


def _detail_differences(expected: Reference, found: Scores, details: Sequence[Scores]) -> list[float]:
    """The largest difference in the output of each detail query.

    Both signatures must agree, so pairs are compared with the artifact's own catalogue scores. Shares jump
    when the rounding of a kernel flips the sign of a ReLU input, so the worst eighth of them is excluded.
    """
    if expected.pair_rows is not None:
        (pairs,) = details
        return [float(np.abs(pairs - found[expected.pair_rows, expected.pair_items]).max())]
    differences = [np.abs(own - other) for own, other in zip(details, expected.shares, strict=True)]
    worst = sorted(float(difference.max()) for difference in differences)
    return worst[: len(worst) - len(worst) // 8]


def _overlap(found: Scores, expected: Reference) -> float:
    """The mean share of the top ten that is in the Keras model's top ten, too, or tied with its last item."""
    k = min(K, found.shape[1])
    shares = []
    for own, other in zip(found, expected.scores, strict=True):
        edge = np.sort(other)[-k] - _TIE * expected.spread
        shares.append(np.mean(other[top_k(own, k)] >= edge))
    return float(np.mean(shares))


__all__ = ["K", "RecommenderParity", "recommender_parity"]
