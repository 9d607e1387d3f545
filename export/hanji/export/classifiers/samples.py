"""Writes a few test images next to the bundle, to try an app or `hanji classify` with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from hanji.training.classifiers.data import LabelledImages
from hanji.training.files import atomic_directory

COUNT = 3


def write_samples(samples: LabelledImages, labels: Sequence[str], directory: Path) -> None:
    """Write up to ``COUNT`` images, each of a different class, as PNG files named after their labels.

    The directory is replaced atomically. HanjiError if it cannot be written.
    """
    classes = np.unique(samples.labels)
    chosen = classes[np.linspace(0, len(classes) - 1, min(COUNT, len(classes))).round().astype(int)]
    with atomic_directory(directory, replace=True) as staging:
        for label in chosen:
            pixels = samples.images[np.flatnonzero(samples.labels == label)[0]]
            name = re.sub(r"[^\w-]+", "-", labels[label]).strip("-") or str(label)
            Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).save(staging / f"{name}.png")


__all__ = ["write_samples"]
