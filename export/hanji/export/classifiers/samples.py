"""A few test pictures as files beside the bundle, to try an app or `hanji classify` with."""

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
    """Write ``COUNT`` of the pictures as PNG files called after their labels, of different classes if it can.

    The directory is replaced whole. HanjiError if it cannot be written.
    """
    classes = np.unique(samples.labels)
    chosen = classes[np.linspace(0, len(classes) - 1, min(COUNT, len(classes))).round().astype(int)]
    with atomic_directory(directory, replace=True) as aside:
        for label in chosen:
            pixels = samples.images[np.flatnonzero(samples.labels == label)[0]]
            name = re.sub(r"[^\w-]+", "-", labels[label]).strip("-") or str(label)
            Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).save(aside / f"{name}.png")


__all__ = ["write_samples"]
