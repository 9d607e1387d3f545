"""Parity of an artifact, run in its engine, with the compressed Keras classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.export.bundle.files import MeasuredParity, rounded
from hanji.export.bundle.queries import Outputs
from hanji.export.classifiers.expected_outputs import ImageReference
from hanji.export.classifiers.original import expect_original
from hanji.export.classifiers.tolerances import ImageTolerance
from hanji.runtime.manifest import Artifact
from hanji.training.errors import ConversionError

_TIE = 1e-5  # probabilities closer than this count as tied: float32 rounding decides their order


@dataclass(frozen=True)
class ImageParity(MeasuredParity):
    """Parity of a classifier."""

    original_agreement: float | None = None
    """The share of images with the top-1 class of the model as it was given; None for one hanji trained."""

    @property
    def agreement_summary(self) -> str:
        summary = f"top-1 agreement {self.top1_agreement:.3f} (at least {self.minimum_top1_agreement:g})"
        if self.original_agreement is None:
            return summary
        return f"{summary}, with the original model {self.original_agreement:.3f}"


def image_parity(
    artifact: Artifact, expected: ImageReference, outputs: Outputs, allowed: ImageTolerance, remedy: str
) -> ImageParity:
    """The artifact's parity with the Keras classifier; ConversionError if it exceeds ``allowed``.

    ``remedy`` is what the message says to try.
    """
    found = np.stack(outputs.scores)
    if not np.isfinite(found).all():
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected finite probabilities, found NaN or infinity "
            f"in {outputs.engine}; {remedy}"
        )
    differences = found - expected.probabilities
    largest = float(np.abs(differences).max())
    typical = float(np.sqrt(np.mean(np.square(differences))))
    agreement = _agreement(found, expected)
    within = (largest <= allowed.largest, typical <= allowed.typical, agreement >= allowed.agreement)
    if not all(within):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected the probabilities of the compressed model "
            f"within {allowed.largest:g} (RMS within {allowed.typical:g}) and a top-1 agreement of at least "
            f"{allowed.agreement:g}; found {largest:.3g} (RMS {typical:.3g}) and {agreement:.3f} in "
            f"{outputs.engine} over {len(found)} images; {remedy}"
        )
    original = None
    if expected.original is not None:
        theirs = found[-len(expected.original.reference.images) :]
        original = expect_original(artifact, expected.original, theirs, allowed)
    return ImageParity(
        checked=True,
        engine=outputs.engine,
        max_abs_error=rounded(largest),
        score_tolerance=allowed.largest,
        top1_agreement=rounded(agreement),
        minimum_top1_agreement=allowed.agreement,
        typical_error=rounded(typical),
        typical_tolerance=allowed.typical,
        original_agreement=None if original is None else rounded(original),
    )


def _agreement(found: npt.NDArray[np.float32], expected: ImageReference) -> float:
    """The share of images whose top-1 class is the Keras classifier's, with ties counting as agreement."""
    rows = np.arange(len(found))
    best = expected.probabilities.max(axis=1)
    return float(np.mean(expected.probabilities[rows, found.argmax(axis=1)] >= best - _TIE))


__all__ = ["ImageParity", "image_parity"]
