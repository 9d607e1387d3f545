"""How far an artifact, in its real engine, is from the compressed Keras model; too far is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from hanji.export.answers import Answers, Question
from hanji.export.signatures import Signatures
from hanji.export.tolerances import Tolerance
from hanji.runtime.manifest import Artifact, Parity
from hanji.runtime.top_k import top_k
from hanji.training.errors import ConversionError

USERS = 32
PAIRS = 256
K = 10
_TIE = 1e-5  # of the spread: scores closer than this are equal in 32-bit floats, whichever comes first


@dataclass(frozen=True)
class Reference:
    """What the compressed Keras model answers to some users, and some pairs of them with items.

    ``users`` int32 [U], ``scores`` float32 [U, items]; ``rows`` and ``items`` int32 [P]: the pairs are
    (users[rows], items). ``spread`` is the mean standard deviation of a user's scores.
    """

    users: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    spread: float

    @property
    def questions(self) -> list[Question]:
        """The whole catalogue for each user, then all pairs at once."""
        alone = [Question("catalogue", {"user": user}) for user in self.users[:, None]]
        return [*alone, Question("pairs", {"user": self.users[self.rows], "item": self.items})]


@dataclass(frozen=True)
class Measured(Parity):
    """Parity with the typical (root mean square) difference beside the largest one."""

    typical_error: float = 0.0
    typical_tolerance: float = 0.0


def reference(model: keras.Model, users: int, items: int, *, seed: int = 0) -> Reference:
    """The Keras model's answers to ``USERS`` of its ``users`` users, or all if there are fewer.

    Raises ConversionError for scores that are not finite.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(users, min(USERS, users), replace=False).astype(np.int32)
    functions = Signatures(model, items)
    scores = np.stack([functions.catalogue(tf.constant([user]))["scores"].numpy() for user in chosen])
    if not np.isfinite(scores).all():
        raise ConversionError(
            "expected finite scores from the compressed model, found NaN or infinity; train it again"
        )
    return Reference(
        users=chosen,
        scores=scores,
        rows=rng.integers(0, len(chosen), PAIRS).astype(np.int32),
        items=rng.integers(0, items, PAIRS).astype(np.int32),
        spread=max(float(scores.std(axis=1).mean()), 1e-6),
    )


def measured(artifact: Artifact, expected: Reference, answers: Answers, allowed: Tolerance) -> Measured:
    """The artifact's parity with the Keras model; ConversionError if it is outside ``allowed``."""
    *catalogues, pairs = answers.scores
    found = np.stack(catalogues)
    if not (np.isfinite(found).all() and np.isfinite(pairs).all()):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected finite scores, found NaN or infinity in "
            f"{answers.engine}; no bundle was written; leave this format out"
        )
    # Both signatures must answer alike, so pairs are held against the artifact's own catalogue.
    differences = (found - expected.scores, pairs - found[expected.rows, expected.items])
    largest = max(float(np.abs(difference).max()) for difference in differences)
    typical = float(np.sqrt(np.mean(np.square(differences[0]))))
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
            f"{len(expected.users)} users; no bundle was written; try another scheme of quantization or "
            "int8-qat, or leave this format out"
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


def _overlap(found: npt.NDArray[np.float32], expected: Reference) -> float:
    """Mean share of the found top ten that the Keras model has there, too, or would have but for a tie."""
    k = min(K, found.shape[1])
    shares = []
    for own, other in zip(found, expected.scores, strict=True):
        edge = np.sort(other)[-k] - _TIE * expected.spread
        shares.append(np.mean(other[top_k(own, k)] >= edge))
    return float(np.mean(shares))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


__all__ = ["K", "Measured", "Reference", "measured", "reference"]
