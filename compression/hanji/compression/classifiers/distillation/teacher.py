"""The teacher's outputs for the training images, computed once and cached.

A large teacher is slower than a small student, so it does not run in every epoch: the training set is
augmented a fixed number of times, reproducibly (each copy is a *view*), and the teacher's outputs for each
view are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.networks import fingerprint
from hanji.training.classifiers.augmentation import Augmentation, augment
from hanji.training.classifiers.data import LabelledImages
from hanji.training.classifiers.samples import ImageEpoch
from hanji.training.errors import DataError
from hanji.training.files import atomic_file
from hanji.training.fitting.supervision import EpochSource
from hanji.training.progress import progress

Predict = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Images uint8 [n, h, w, c] → outputs [n, …]."""

_BATCH = 1024  # images augmented at a time


@dataclass(frozen=True)
class Views:
    """``count`` augmented copies of the same images; the same seed gives the same copies."""

    samples: LabelledImages
    augmentation: Augmentation
    seed: int
    count: int

    def images(self, view: int) -> NDArray[np.uint8]:
        """All images of the 0-based ``view``, in the order of the samples."""
        rng = np.random.default_rng([self.seed, 7, view])
        augmented = np.empty_like(self.samples.images)
        for start in range(0, len(augmented), _BATCH):
            batch = slice(start, start + _BATCH)
            augmented[batch] = augment(self.samples.images[batch], self.augmentation, rng)
        return augmented


def teacher_outputs(
    views: Views, predict: Predict, *, teacher: keras.Model, what: str, work: Path | None
) -> list[Any]:
    """The outputs of ``predict``, which runs ``teacher``, for each view: one array [n, …] per view.

    With a directory ``work`` they are cached in files there, for interrupted runs and for other students.
    """
    key = f"{what}-{_fingerprint(views, teacher)}"
    outputs = []
    with progress(f"Computing the teacher's {what}") as task:
        task.expect(views.count)
        for view in range(views.count):
            file = work / "teacher" / f"{key}-{view}.npy" if work else None
            outputs.append(_cached(file, predict, views, view))
            task.advance()
    return outputs


def distillation_epochs(views: Views, outputs: tuple[list[Any], ...]) -> EpochSource:
    """Epochs over a random view in random order, each image with its rows of all ``outputs``."""

    def draw(rng: np.random.Generator) -> ImageEpoch:
        view = int(rng.integers(views.count))
        images = LabelledImages(views.images(view), views.samples.labels)
        targets = tuple(by_view[view] for by_view in outputs)
        return ImageEpoch(images, rng.permutation(len(images)), Augmentation(), rng, targets)

    return draw


def _cached(file: Path | None, predict: Predict, views: Views, view: int) -> Any:
    """The outputs stored in ``file``, computed and written first if it is missing; None: no cache."""
    if file is None:
        return predict(views.images(view))
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, predict(views.images(view)))
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({error}); remove it, and run the command again") from None


def _fingerprint(views: Views, teacher: keras.Model) -> str:
    """A hash of everything that the outputs depend on."""
    settings = (views.augmentation, views.seed, fingerprint(teacher))
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(views.samples.images).data)
    return digest.hexdigest()[:16]
