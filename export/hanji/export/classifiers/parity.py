"""How far an artifact, in its real engine, is from the compressed Keras classifier; too far is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.export.bundle.answers import Answers
from hanji.export.bundle.files import MeasuredParity
from hanji.export.classifiers.expected_outputs import ImageReference
from hanji.export.classifiers.tolerances import ImageTolerance
from hanji.runtime.manifest import Artifact
from hanji.training.errors import ConversionError

_TIE = 1e-5  # probabilities closer than this are equal in 32-bit floats, whichever comes first


@dataclass(frozen=True)
class ImageParity(MeasuredParity):
    """Parity of a classifier."""

    @property
    def same_answers(self) -> str:
        least = self.minimum_top1_agreement
        return f"the same best class for {self.top1_agreement:.3f} (at least {least:g}) of the pictures"


def image_parity(
    artifact: Artifact, expected: ImageReference, answers: Answers, allowed: ImageTolerance
) -> ImageParity:
    """The artifact's parity with the Keras classifier; ConversionError if it is outside ``allowed``."""
    found = np.stack(answers.scores)
    if not np.isfinite(found).all():
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected finite probabilities, found NaN or infinity "
            f"in {answers.engine}; no bundle was written; leave this format out"
        )
    differences = found - expected.probabilities
    largest = float(np.abs(differences).max())
    typical = float(np.sqrt(np.mean(np.square(differences))))
    agreement = _agreement(found, expected)
    within = (largest <= allowed.largest, typical <= allowed.typical, agreement >= allowed.agreement)
    if not all(within):
        raise ConversionError(
            f"{artifact.format} ({artifact.precision}): expected the probabilities of the compressed model "
            f"within {allowed.largest:g}, typically within {allowed.typical:g}, and the same best class for "
            f"at least {allowed.agreement:g} of the pictures; found {largest:.3g}, {typical:.3g} and "
            f"{agreement:.3f} in {answers.engine} over {len(found)} pictures; no bundle was written; find "
            "the layers at fault with `hanji debug-quantization`, take int8-qat, or leave this format out"
        )
    return ImageParity(
        checked=True,
        engine=answers.engine,
        max_abs_error=_rounded(largest),
        score_tolerance=allowed.largest,
        top1_agreement=_rounded(agreement),
        minimum_top1_agreement=allowed.agreement,
        typical_error=_rounded(typical),
        typical_tolerance=allowed.typical,
    )


def _agreement(found: npt.NDArray[np.float32], expected: ImageReference) -> float:
    """Share of pictures whose best class is the Keras classifier's, too, or would be but for a tie."""
    rows = np.arange(len(found))
    best = expected.probabilities.max(axis=1)
    return float(np.mean(expected.probabilities[rows, found.argmax(axis=1)] >= best - _TIE))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


__all__ = ["ImageParity", "image_parity"]
