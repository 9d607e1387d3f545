"""Agreement of a network's answers with those of the model that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOUND = 1e-4
"""The largest difference of a probability that float32 rounding explains: sums in another order change logits
by about 1e-6 of the largest one, which are rarely above 100."""

HALF_BOUND = 0.02
"""The bound for a model that computes in float16 or bfloat16, whose significands have 11 or 8 bits."""

BATCH_BOUND = 0.02
"""The bound for an image alone and in a batch: kernels sum in another order, which deep networks amplify.
Statistics of the batch change answers by more."""

RELATIVE = 0.01
"""Small probabilities may differ by this part of them: their logits then differ by as much."""

_UNRESOLVED = 2e-7  # a probability next to 1 is rounded to a multiple of 6e-8, and the other class with it


@dataclass(frozen=True)
class Agreement:
    """How two networks agree on images; ``largest`` is the largest difference of a probability."""

    images: int
    same_class: float
    largest: float
    accepted: bool
    """Whether every difference is within the bound."""

    @property
    def summary(self) -> str:
        """The numbers in words."""
        return (
            f"{self.images} images: same class {self.same_class:.3f}, largest difference {self.largest:.1g}"
        )


def agreement_of(
    expected: NDArray[np.floating], found: NDArray[np.floating], *, bound: float = BOUND
) -> Agreement:
    """The agreement of probabilities [n, classes]; classes as likely up to ``bound`` are the same."""
    difference = np.abs(found.astype(np.float64) - expected)
    relative = RELATIVE if bound == BOUND else 1.0
    allowed = np.minimum(bound, relative * np.maximum(found, expected) + _UNRESOLVED)
    rows = np.arange(len(found))
    same = expected[rows, found.argmax(axis=1)] >= expected.max(axis=1) - bound
    return Agreement(
        images=len(found),
        same_class=float(same.mean()),
        largest=float(difference.max()),
        accepted=bool((difference <= allowed).all()),  # False for NaN
    )


_MIN_PROBABILITY = 1e-7  # smaller probabilities are softmax noise


def centred_logits(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """The logits of probabilities, which are known up to a constant per image: centred at mean 0."""
    return centred(np.log(np.maximum(probabilities.astype(np.float64), _MIN_PROBABILITY)))


def centred(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits [n, classes] centred at mean 0 for each image."""
    found: NDArray[np.float64] = logits - logits.mean(axis=1, keepdims=True)
    return found


def relative_error(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """The root mean square difference of centred logits divided by the standard deviation of the expected."""
    return float(np.sqrt(np.mean(np.square(found - expected))) / max(float(expected.std()), 1e-9))


__all__ = [
    "BATCH_BOUND",
    "BOUND",
    "HALF_BOUND",
    "Agreement",
    "agreement_of",
    "centred",
    "centred_logits",
    "relative_error",
]
