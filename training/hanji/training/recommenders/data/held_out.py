"""What a recipe's keys of the split mean for its data: whether they apply, and what they hold out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.moments import Clock, timestamp_of, written
from hanji.training.recommenders.data.split import Holdout, no_times

_WITH_TEST_FILES = ("ncf", "lightgcn")
_ORDER_ONLY = ("pairs", "sequences")
"""Formats whose times are positions, which do not compare interactions of two users."""


def check_split(config: DataConfig) -> None:
    """DataError if data of ``config.format``, which is not "auto", cannot be split as it asks for."""
    given = config.format in _WITH_TEST_FILES or config.test is not None
    if config.split == "given" and not given:
        raise DataError(
            f'data.split: "given" needs test interactions, and the format "{config.format}" has no files '
            "with them; set data.test to the file of those of a table"
        )
    if config.split in ("random", "time") and given:
        raise DataError(
            f'data.split: the format "{config.format}" has a split of its own, and "{config.split}" would '
            'not apply; set "given"'
        )
    if config.split == "time" and config.format in _ORDER_ONLY:
        raise DataError(
            f'data.split: "time" needs times, and the format "{config.format}" has only the order of each '
            'user\'s interactions; use "last"'
        )


def holdout_of(config: DataConfig, clock: Clock, times: NDArray[np.int64] | None) -> Holdout:
    """What is held out of interactions with ``times`` int64 [n]; DataError for a moment outside them."""
    if config.test_from is None:
        return Holdout(config.split, config.held_out, config.test_share)
    if times is None:
        raise no_times()
    try:
        start = timestamp_of(config.test_from, clock, times)
    except ValueError as error:
        raise DataError(f"data.test_from: {error}") from None
    first, last = int(times.min()), int(times.max())
    if not first < start <= last:
        raise DataError(
            f"data.test_from: expected a moment after the first interaction ({written(first, clock)}) and "
            f"not after the last ({written(last, clock)}), found {config.test_from}"
        )
    return Holdout(config.split, start=start, start_text=config.test_from)


__all__ = ["check_split", "holdout_of"]
