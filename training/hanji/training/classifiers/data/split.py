"""Stratified hold-out: the same fraction of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError


def hold_out(
    labels: NDArray[np.int32],
    rows: NDArray[np.intp],
    fraction: float,
    *,
    names: Sequence[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split `rows` into those that stay and those held out, both ascending.

    `fraction` of each class is held out, at least one row and never all of them; nothing if it is 0.
    `labels` int32[N] are those of all rows. Raises DataError for a class that is too small.
    """
    if fraction == 0.0:
        return rows, rows[:0]
    sampled = [
        _of_class(rows[labels[rows] == label], fraction, name, rng) for label, name in enumerate(names)
    ]
    held_out = np.sort(np.concatenate(sampled))
    return np.setdiff1d(rows, held_out, assume_unique=True), held_out


def _of_class(
    rows: NDArray[np.intp], fraction: float, name: str, rng: np.random.Generator
) -> NDArray[np.intp]:
    if len(rows) < 2:
        raise DataError(
            f"class {name!r}: expected at least 2 images to hold some out (3 for both validation and test), "
            f"found {len(rows)}; add images or remove the class"
        )
    count = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
    return rng.permutation(rows)[:count]
