"""Reference outputs of the compressed Keras classifier, which every artifact is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE
from hanji.export.bundle.queries import Query
from hanji.export.classifiers.golden import GOLDEN_IMAGES, golden_count
from hanji.export.classifiers.original import OriginalAnswers, original_answers
from hanji.training.classifiers.data import LabelledImages
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import ConversionError

CALIBRATION = 192
"""The number of calibration images in the comparison, evenly spaced."""

_EXTRA_TEST_IMAGES = 64  # in addition to those of golden.json


@dataclass(frozen=True)
class ImageReference:
    """``images`` uint8 [n, h, w, c], those of golden.json first, those of ``original`` last;
    ``probabilities`` float32 [n, classes]."""

    images: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    golden: int
    original: OriginalAnswers | None = None

    @property
    def queries(self) -> tuple[Query, ...]:
        """One query per image."""
        return tuple(Query(CLASSIFY, {IMAGE: image[None]}) for image in self.images)


def image_reference(compressed: CompressedClassifier, test: LabelledImages | None) -> ImageReference:
    """The Keras classifier's outputs for test images, if there are any, calibration images, and those whose
    answers by the original are known.

    Raises ConversionError for outputs that are not finite, and if there is no image at all.
    """
    parts = [_evenly(compressed.calibration, CALIBRATION)]
    if test is not None and len(test):
        parts.insert(0, _evenly(test.images, GOLDEN_IMAGES + _EXTRA_TEST_IMAGES))
    original = original_answers(compressed)
    if original is not None:
        parts.append(original.reference.images)
    images = np.concatenate(parts)
    if not len(images):
        raise ConversionError(
            "expected calibration or test images to check the exported files with, found none; compress the "
            "model with calibration_images of at least 1"
        )
    logits = ClassifierScorer(compressed.model, compressed.full.image_input).logits(images)
    if not np.isfinite(logits).all():
        raise ConversionError(
            "expected finite logits from the compressed model, found NaN or infinity; retrain it"
        )
    probabilities = probabilities_of(logits, compressed.temperature).astype(np.float32)
    return ImageReference(images, probabilities, golden_count(images), original)


def _evenly(images: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint8]:
    rows = np.linspace(0, len(images), min(count, len(images)), endpoint=False).astype(np.intp)
    chosen: npt.NDArray[np.uint8] = images[rows]
    return chosen


__all__ = ["ImageReference", "image_reference"]
