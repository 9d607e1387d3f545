"""Agreement of an artifact with a model that was trained elsewhere, as it was given to `hanji compress`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.foreign.keras_classifier import KerasClassifier
from hanji.compression.classifiers.foreign.reference import Reference
from hanji.export.classifiers.tolerances import ImageTolerance
from hanji.runtime.manifest import Artifact
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import ConversionError

Probabilities = npt.NDArray[np.floating]

_SMALLEST = 1e-37  # the logarithm of 0 is infinite


@dataclass(frozen=True)
class OriginalAnswers:
    """The original's answers, and how an artifact has to agree with them."""

    reference: Reference
    temperature: float
    """Divisor of the logits in the artifact, before its softmax."""

    exact: bool
    """Whether the artifact has the original's weights in float, so that it answers as the original does."""


def original_answers(compressed: CompressedClassifier) -> OriginalAnswers | None:
    """What artifacts of ``compressed`` are compared with; None for a model that hanji trained."""
    full = compressed.full
    if not isinstance(full, KerasClassifier):
        return None
    exact = compressed.scheme in ("float32", "float16") and not compressed.recipe.trains
    return OriginalAnswers(full.reference, compressed.temperature, exact)


def expect_original(
    artifact: Artifact, original: OriginalAnswers, found: Probabilities, allowed: ImageTolerance
) -> float:
    """The share of images with the original's top-1 class; ``found`` are the probabilities for its images.

    ConversionError if an artifact that should be exact differs by more than ``allowed`` and rounding.
    """
    expected = original.reference.probabilities
    bound, temperature = original.reference.bound, original.temperature
    if original.exact:
        # Compared at the lower of both temperatures: at the higher one, probabilities that are rounded to
        # zero would count.
        lower = min(temperature, 1.0)
        difference = np.abs(
            _at_temperature(expected, lower) - _at_temperature(found, lower / temperature)
        ).max()
        limit = (allowed.largest * temperature + bound) / lower
        if not difference <= limit:
            raise ConversionError(
                f"{artifact.format} ({artifact.precision}): expected the answers of the model that "
                f"`hanji compress` was given, within {limit:.2g}, found a difference of "
                f"{difference:.2g} in a probability; no bundle was written; export without this format"
            )
    rows = np.arange(len(found))
    return float(np.mean(expected[rows, found.argmax(axis=1)] >= expected.max(axis=1) - bound))


def _at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    logits = np.log(np.maximum(probabilities, _SMALLEST)).astype(np.float32)
    return probabilities_of(logits, temperature)


__all__ = ["OriginalAnswers", "expect_original", "original_answers"]
