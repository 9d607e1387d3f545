"""Class names, and checks of labels against them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError


def class_names(given: Sequence[str], labels: NDArray[np.int32], where: str) -> tuple[str, ...]:
    """The `given` names, or by default the class indices from 0 to the highest label.

    Raises DataError if a label has no name, or if there are fewer than two classes.
    """
    highest = int(labels.max())
    if given and highest >= len(given):
        raise DataError(
            f"{where}: expected labels from 0 to {len(given) - 1}, as data.labels has {len(given)} names, "
            f"found {highest}; name every class"
        )
    names = tuple(given) or tuple(str(index) for index in range(highest + 1))
    if len(names) < 2:
        raise DataError(f"{where}: expected at least two classes, found one ({names[0]})")
    return names


def check_classes(labels: NDArray[np.int32], names: Sequence[str], where: str) -> None:
    """Raise DataError if a class does not occur in `labels`."""
    counts = np.bincount(labels, minlength=len(names))
    if missing := [name for name, count in zip(names, counts, strict=True) if not count]:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise DataError(
            f"{where}: expected images of every class, found none of {shown}; add some, or remove the class"
        )


def as_labels(values: NDArray[np.integer], images: int, where: str) -> NDArray[np.int32]:
    """`values` as int32[N]; DataError if one is out of range or their number differs from `images`."""
    if len(values) != images:
        raise DataError(f"{where}: expected one label for each of {images:,} images, found {len(values):,}")
    if not images:
        raise DataError(f"{where}: expected images, found none")
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest >= _MAX_CLASSES:
        row = int(values.argmin() if lowest < 0 else values.argmax())
        raise DataError(
            f"{where}: expected labels from 0 to {_MAX_CLASSES - 1}, found {values[row]} for image {row}"
        )
    return values.astype(np.int32)


_MAX_CLASSES = 65_536
