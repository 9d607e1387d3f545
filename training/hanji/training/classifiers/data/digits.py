"""Scikit-learn's handwritten digits: 1,797 scans of 8×8 pixels that come with the package."""

from __future__ import annotations

import numpy as np

from hanji.training.classifiers.data.arrays import raw_images
from hanji.training.classifiers.data.classes import as_labels
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import RawImages

_LICENCE = "CC BY 4.0, Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI"
_MAX_VALUE = 16.0  # each value counts the inked pixels in a 4×4 cell of the original scan


def read_digits(config: ImageDataConfig) -> RawImages:
    """The digits, scaled from 0..16 to 0..255; they have no separate test set."""
    from sklearn.datasets import load_digits  # slow to import, and only this format needs it

    bunch = load_digits()
    images = np.rint(bunch.images * (255.0 / _MAX_VALUE)).astype(np.uint8)[..., None]
    labels = as_labels(bunch.target, len(images), "digits")
    return raw_images(LabelledImages(images, labels), None, config, "digits", licence=_LICENCE)
