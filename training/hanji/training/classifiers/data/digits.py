"""Scikit-learn's handwritten digits: 1,797 real scans of 8×8 pixels, on every disk that has the package."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from hanji.training.classifiers.data.arrays import raw_images
from hanji.training.classifiers.data.classes import as_labels
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import RawImages

_LICENCE = "CC BY 4.0, Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI"
_WHITE = 16.0  # the digits' brightest value: ink counted in a 4×4 cell of the scan


def read_digits(config: ImageDataConfig) -> RawImages:
    """The digits with values 0..16 brought to 0..255; they have no test set of their own."""
    bunch = load_digits()
    images = np.rint(bunch.images * (255.0 / _WHITE)).astype(np.uint8)[..., None]
    labels = as_labels(bunch.target, len(images), "digits")
    return raw_images(LabelledImages(images, labels), None, config, "digits", licence=_LICENCE)
