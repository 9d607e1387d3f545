"""Compares a rewritten file with the original: the gate that every rewriting has to pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.reference import rounding_of
from hanji.export.bundle.files import MeasuredParity, rounded
from hanji.training.errors import ConversionError
from hanji.training.progress import logger

REWRITTEN = (
    "no bundle was written; export the model with the input [1, height, width, channels] in RGB and the "
    "output [1, classes], both float32, so that nothing has to be rewritten"
)
"""What to do about a rewritten file that answers differently."""


@dataclass(frozen=True)
class OriginalParity(MeasuredParity):
    """Parity of a file with the one that it was made from, on ``images`` images."""

    images: int = 0

    @property
    def agreement_summary(self) -> str:
        return f"same best class as the original file for {self.top1_agreement:.3f} of {self.images} images"


def rewritten_parity(
    path: Path,
    expected: npt.NDArray[np.float64],
    found: npt.NDArray[np.float32],
    precision: str,
    engine: str,
    remedy: str = REWRITTEN,
) -> OriginalParity:
    """The parity of outputs ``found`` with the original's, both [n, classes].

    ConversionError, which ends with ``remedy``, if they differ by more than rounding.
    """
    tolerance = rounding_of(expected, precision)
    differences = np.abs(found - expected)
    largest = float(differences.max())
    rows = np.arange(len(expected))
    # Classes that the original has within rounding of one another count as the same.
    same = expected[rows, found.argmax(axis=1)] >= expected.max(axis=1) - 2 * tolerance
    agreement = float(np.mean(same))
    if not np.ptp(expected, axis=0).any():
        logger.warning(
            f"{path.name}: all {len(expected)} images have the same answers, so that the comparison with the "
            "original shows little; try real images (--pictures DIR)"
        )
    if not largest <= tolerance:
        raise ConversionError(
            f"{path}: expected the same answers from the rewritten file as from the original within "
            f"{tolerance:.3g}, found a difference of {largest:.3g} and the same best class for "
            f"{agreement:.3f} of {len(expected)} images in {engine}; {remedy}"
        )
    return OriginalParity(
        checked=True,
        engine=engine,
        max_abs_error=rounded(largest),
        score_tolerance=rounded(tolerance),
        top1_agreement=rounded(agreement),
        minimum_top1_agreement=1.0,
        typical_error=rounded(float(np.sqrt(np.mean(np.square(differences))))),
        typical_tolerance=rounded(tolerance),
        images=len(expected),
    )


__all__ = ["REWRITTEN", "OriginalParity", "rewritten_parity"]
