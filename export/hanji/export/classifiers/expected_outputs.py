"""What the compressed Keras classifier says of pictures that every artifact of it is shown, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.answers import Question
from hanji.export.classifiers.formats.names import CLASSIFY, IMAGE
from hanji.export.classifiers.golden import GOLDEN_IMAGES, golden_count
from hanji.training.classifiers.data import LabelledImages
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import ConversionError

CALIBRATION = 192
"""Calibration pictures that are compared, at even steps."""

_OTHERS = 64  # test images beside those of golden.json


@dataclass(frozen=True)
class ImageReference:
    """``images`` uint8 [n, h, w, c], the golden ones first; ``probabilities`` float32 [n, classes]."""

    images: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    golden: int

    @property
    def questions(self) -> tuple[Question, ...]:
        """One a picture."""
        return tuple(Question(CLASSIFY, {IMAGE: image[None]}) for image in self.images)


def image_reference(compressed: CompressedClassifier, test: LabelledImages | None) -> ImageReference:
    """The Keras classifier's answers to test pictures, where there are some, and calibration pictures.

    Raises ConversionError for answers that are not finite, and where there is no picture at all.
    """
    images = [_evenly(compressed.calibration, CALIBRATION)]
    if test is not None and len(test):
        images.insert(0, _evenly(test.images, GOLDEN_IMAGES + _OTHERS))
    shown = np.concatenate(images)
    if not len(shown):
        raise ConversionError(
            "expected calibration or test pictures to compare the exported files with, found none; compress "
            "the model with calibration_images of at least 1"
        )
    logits = ClassifierScorer(compressed.model, compressed.full.image_input).logits(shown)
    if not np.isfinite(logits).all():
        raise ConversionError(
            "expected finite logits from the compressed model, found NaN or infinity; train it again"
        )
    probabilities = probabilities_of(logits, compressed.temperature).astype(np.float32)
    return ImageReference(shown, probabilities, golden_count(shown))


def _evenly(images: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint8]:
    rows = np.linspace(0, len(images), min(count, len(images)), endpoint=False).astype(np.intp)
    chosen: npt.NDArray[np.uint8] = images[rows]
    return chosen


__all__ = ["ImageReference", "image_reference"]
