"""Moments that a recipe names, in the unit of the interactions' timestamps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

MILLION = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((1e8, 1e10, 1), (1e11, 1e13, 1000), (1e14, 1e16, MILLION), (1e17, 1e19, 1000 * MILLION))
"""Numbers that are times since 1970, from 1973 to 2286: the range, and how many of the unit are a second."""

_SAMPLE = 100_000


@dataclass(frozen=True)
class Clock:
    """What timestamps mean: ``scale`` of them are a second of dates, or 1 of numbers as they are written."""

    are_dates: bool = False
    scale: int = 1


NUMBERS = Clock()


def parse_moment(text: str) -> float | datetime:
    """A number, or an ISO 8601 date or time, in UTC unless it names a zone; ValueError for anything else."""
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, found {text!r}")
    return number


def timestamp_of(text: str, clock: Clock, times: NDArray[np.int64]) -> int:
    """The moment ``text`` as a timestamp like ``times`` int64 [n].

    A date among times that are numbers is possible if their size tells their unit: seconds, milliseconds,
    microseconds or nanoseconds since 1970. ValueError, which says what to try, if there is no such timestamp.
    """
    moment = parse_moment(text)
    if isinstance(moment, float):
        if clock.are_dates:
            raise ValueError(f"the times are dates; expected one such as 2005-04-02, found {text!r}")
        return round(moment * clock.scale)
    second = clock.scale if clock.are_dates else clock.scale * _unit(times, clock.scale)
    return (moment - _EPOCH) // timedelta(microseconds=1) * second // MILLION


def written(timestamp: int, clock: Clock) -> str:
    """A timestamp as people write it: a date and time, or a number."""
    if not clock.are_dates:
        return f"{timestamp / clock.scale:g}" if timestamp % clock.scale else str(timestamp // clock.scale)
    moment = _EPOCH + timedelta(microseconds=timestamp * (MILLION // clock.scale))
    return moment.replace(tzinfo=None).isoformat(" ")


def _unit(times: NDArray[np.int64], scale: int) -> int:
    """How many numbers are a second, judged by the median; ValueError if that is not known."""
    middle = float(np.median(times[:: max(1, len(times) // _SAMPLE)])) / scale
    for low, high, unit in _UNITS:
        if low <= middle < high:
            return unit
    raise ValueError(
        f"the times are numbers such as {middle:g}, which are not of a known unit since 1970; expected a "
        "number like them"
    )


__all__ = ["MILLION", "NUMBERS", "Clock", "parse_moment", "timestamp_of", "written"]
