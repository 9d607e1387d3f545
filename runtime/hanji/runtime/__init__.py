"""The device runtime of hanji: opens a bundle, verifies it, and runs inference.

    from hanji.runtime import Classifier, Recommender

    with Recommender.open("bundle") as recommender:
        for row in recommender.recommend(history=[242, 302], k=10):  # or user=196, see recommender.takes
            print(row.rank, row.title, row.score)

    with Classifier.open("bundle") as classifier:
        for row in classifier.classify("photo.jpg", k=5):  # or an array, uint8 [height, width, channels]
            print(row.rank, row.label, row.probability)

An engine is imported when a bundle is opened, Pillow when an image file is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from hanji.runtime.errors import (
    BundleError,
    ChecksumError,
    EngineError,
    HanjiError,
    ImageError,
    PlacementWarning,
    SchemaVersionError,
    StreamError,
    UnknownIdError,
)
from hanji.runtime.recommender import Recommender
from hanji.runtime.results import Item, Reason, Recommendation, Recommendations, SelfTest

if TYPE_CHECKING:
    from hanji.runtime.classification import Classification, Prediction, Value
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.placement import Placement

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "ChecksumError",
    "Classification",
    "Classifier",
    "EngineError",
    "HanjiError",
    "ImageError",
    "Item",
    "Placement",
    "PlacementWarning",
    "Prediction",
    "Reason",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "SchemaVersionError",
    "SelfTest",
    "StreamError",
    "UnknownIdError",
    "Value",
    "__version__",
]

_LAZY = {
    "Classification": "hanji.runtime.classification",
    "Classifier": "hanji.runtime.classifier",
    "Placement": "hanji.runtime.placement",
    "Prediction": "hanji.runtime.classification",
    "Value": "hanji.runtime.classification",
}


def __getattr__(name: str) -> object:
    """Import the lazy names on first access, so that recommenders do not pay for the classifier's imports."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
