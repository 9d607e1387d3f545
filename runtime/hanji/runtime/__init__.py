"""The device runtime of hanji: opens a bundle, verifies it, and answers in the user's own ids.

    from hanji.runtime import Recommender

    with Recommender.open("bundle") as recommender:
        for row in recommender.recommend(history=[242, 302], k=10):  # or user=196: see recommender.takes
            print(row.rank, row.title, row.score)

Importing it imports numpy and no engine; an engine is imported when a bundle is opened.
"""

from __future__ import annotations

from hanji.runtime.errors import (
    BundleError,
    ChecksumError,
    EngineError,
    HanjiError,
    SchemaVersionError,
    UnknownIdError,
)
from hanji.runtime.recommender import Recommender
from hanji.runtime.results import Item, Reason, Recommendation, Recommendations, SelfTest

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "ChecksumError",
    "EngineError",
    "HanjiError",
    "Item",
    "Reason",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "SchemaVersionError",
    "SelfTest",
    "UnknownIdError",
    "__version__",
]
