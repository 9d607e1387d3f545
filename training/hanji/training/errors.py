"""Errors of the server side.

    HanjiError            (hanji.runtime.errors)
    ├── DataError         ratings, items or ids that cannot be used
    ├── RecipeError       a recipe or option that cannot be followed
    └── ConversionError   a model that an export format cannot hold faithfully

Each message says what was expected, what was found, where, and what to try.
"""

from __future__ import annotations

from hanji.runtime.errors import HanjiError


class DataError(HanjiError):
    """The data cannot be used as it is."""


class RecipeError(HanjiError):
    """The recipe or an option asks for something that does not exist or makes no sense."""


class ConversionError(HanjiError):
    """An export format cannot hold this model, or holds it unfaithfully."""


__all__ = ["ConversionError", "DataError", "HanjiError", "RecipeError"]
