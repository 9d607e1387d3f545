"""What a teacher says of the training pictures, asked once and kept.

A large teacher costs more than a small student, so it is not asked anew in each epoch: the training set is
augmented a number of times, always alike (a *view*), and the teacher's answers to each view are stored.
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
from hanji.training.fitting.supervision import EpochSource
from hanji.training.progress import progress

Ask = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Pictures uint8 [n, h, w, c] to one row of answers each."""

_AT_ONCE = 1024  # pictures that are augmented together


@dataclass(frozen=True)
class Views:
    """``count`` augmented copies of the same pictures; the same seed gives the same copies."""

    samples: LabelledImages
    augmentation: Augmentation
    seed: int
    count: int

    def images(self, view: int) -> NDArray[np.uint8]:
        """All pictures in their order, as the 0-based ``view`` shows them."""
        rng = np.random.default_rng([self.seed, 7, view])
        seen = np.empty_like(self.samples.images)
        for start in range(0, len(seen), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            seen[part] = augment(self.samples.images[part], self.augmentation, rng)
        return seen


def answers_to(views: Views, ask: Ask, *, teacher: keras.Model, what: str, work: Path | None) -> list[Any]:
    """What ``teacher``, by ``ask``, says of each view: an array [n, …] a view.

    With a directory ``work`` each is kept in a file there, so that an interrupted run goes on and another
    student asks no more.
    """
    key = f"{what}-{_fingerprint(views, teacher)}"
    answers = []
    with progress(f"Asking the teacher for its {what}") as task:
        task.expect(views.count)
        for view in range(views.count):
            file = work / "teacher" / f"{key}-{view}.npy" if work else None
            answers.append(_kept(file, ask, views, view))
            task.advance()
    return answers


def taught_images(views: Views, answers: tuple[list[Any], ...]) -> EpochSource:
    """Each epoch sees one of the views in random order, with the rows of all ``answers`` to it beside."""

    def draw(rng: np.random.Generator) -> ImageEpoch:
        view = int(rng.integers(views.count))
        shown = LabelledImages(views.images(view), views.samples.labels)
        beside = tuple(kind[view] for kind in answers)
        return ImageEpoch(shown, rng.permutation(len(shown)), Augmentation(), rng, beside)

    return draw


def _kept(file: Path | None, ask: Ask, views: Views, view: int) -> Any:
    """The answers in ``file``, where they are put if they are not there yet; None keeps no file."""
    if file is None:
        return ask(views.images(view))
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(".tmp.npy")
        np.save(aside, ask(views.images(view)))
        aside.replace(file)
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _fingerprint(views: Views, teacher: keras.Model) -> str:
    """Of all that the answers depend on."""
    settings = (views.augmentation, views.seed, fingerprint(teacher))
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(views.samples.images).data)
    return digest.hexdigest()[:16]
