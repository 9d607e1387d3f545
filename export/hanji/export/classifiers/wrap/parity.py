"""Compares a rewritten file with the original: the gate that every rewriting has to pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.measures import BestClass, Measure, Values, worst_difference
from hanji.compression.classifiers.files.reference import rounding_of
from hanji.export.bundle.files import MeasuredParity, rounded
from hanji.training.errors import ConversionError
from hanji.training.progress import logger

Outputs = npt.NDArray[np.float32]
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


@dataclass(frozen=True)
class OutputParity(OriginalParity):
    """That of several labels or of values: ``measured`` names the ``agreement``."""

    measured: str = ""

    @property
    def agreement_summary(self) -> str:
        return f"{self.measured} {self.agreement:.3f} with the original file on {self.images} images"


@dataclass(frozen=True)
class Bounds:
    """What a comparison allows: the largest and the typical difference, and the least agreement."""

    largest: float
    typical: float
    agreement: float


@dataclass(frozen=True)
class Run:
    """The precision of a file, its engine, and what to do if it answers differently than the original."""

    precision: str
    engine: str
    remedy: str = REWRITTEN


def rewritten_parity(
    path: Path, expected: Values, found: Outputs, measure: Measure, run: Run
) -> OriginalParity:
    """The parity of outputs ``found`` with the original's, both [n, outputs].

    ConversionError, which ends with the run's remedy, for differences beyond rounding.
    """
    outputs = found.astype(np.float64)
    tolerances = rounding_of(run.precision) * measure.sizes(expected)
    largest, tolerance = worst_difference(outputs, expected, tolerances)
    agreement = measure.agreement(outputs, expected, tolerance)
    if not np.ptp(expected, axis=0).any():
        logger.warning(
            f"{path.name}: all {len(expected)} images have the same answers, so that the comparison with the "
            "original shows little; try real images (--pictures DIR)"
        )
    if not largest <= tolerance:
        raise ConversionError(
            f"{path}: expected the same answers from the rewritten file as from the original within "
            f"{tolerance:.3g}, found a difference of {largest:.3g} ({measure.name}: {agreement:.3f}) for "
            f"{len(expected)} images in {run.engine}; {run.remedy}"
        )
    tolerance = float(np.max(tolerances))
    bounds = Bounds(tolerance, tolerance, 1.0)
    return original_parity(np.abs(found - expected), (measure, agreement), run.engine, bounds)


def original_parity(
    differences: Values, agreed: tuple[Measure, float], engine: str, bounds: Bounds
) -> OriginalParity:
    """The parity as the manifest states it, of absolute differences [n, outputs] that kept to ``bounds``."""
    measure, agreement = agreed[0], rounded(agreed[1])
    common: dict[str, Any] = {
        "checked": True,
        "engine": engine,
        "max_abs_error": rounded(float(differences.max())),
        "score_tolerance": rounded(bounds.largest),
        "typical_error": rounded(float(np.sqrt(np.mean(np.square(differences))))),
        "typical_tolerance": rounded(bounds.typical),
        "images": len(differences),
    }
    if isinstance(measure, BestClass):
        return OriginalParity(top1_agreement=agreement, minimum_top1_agreement=bounds.agreement, **common)
    return OutputParity(
        agreement=agreement, minimum_agreement=bounds.agreement, measured=measure.name, **common
    )


__all__ = ["REWRITTEN", "Bounds", "OriginalParity", "Run", "original_parity", "rewritten_parity"]
