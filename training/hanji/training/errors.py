"""Errors of the server-side stages.

    HanjiError            (hanji.runtime.errors)
    ├── DataError         unusable data: ratings, items, ids, images, files
    ├── RecipeError       an invalid recipe or option
    ├── ConversionError   a model that an export format cannot represent faithfully
    └── WorkerLostError   another worker of the same training is gone

Each message states what was expected, what was found, where, and what to try.
"""

from __future__ import annotations

from hanji.runtime.errors import HanjiError


class DataError(HanjiError):
    """The data is unusable."""


class RecipeError(HanjiError):
    """The recipe or an option is invalid."""


class ConversionError(HanjiError):
    """An export format cannot represent this model, or not faithfully."""


class WorkerLostError(HanjiError):
    """Another worker of the same training is gone; the same command resumes."""

    exit_code = 75
    """EX_TEMPFAIL of sysexits.h, by which schedulers recognize what should be tried again."""


__all__ = ["ConversionError", "DataError", "HanjiError", "RecipeError", "WorkerLostError"]
