"""Errors of the device runtime.

    HanjiError
    ├── BundleError             a bundle that cannot be used
    │   ├── SchemaVersionError  written by a newer hanji than this one can read
    │   └── ChecksumError       a file is not the one that was exported
    ├── EngineError             an inference engine is missing, too old, or refused the model
    ├── PictureError            a picture that cannot be read, or an array that is none
    ├── StreamError             a camera, video or folder that gives no pictures (any more)
    └── UnknownIdError          a user or item that the bundle does not know

Each message says what was expected, what was found, where, and what to try. PlacementWarning is no error: the
answers are right, but something did not run where it was asked to.
"""

from __future__ import annotations


class HanjiError(Exception):
    """Anything hanji reports to its user as one clear line."""


class BundleError(HanjiError):
    """The bundle is missing, incomplete or malformed."""


class SchemaVersionError(BundleError):
    """The bundle follows a manifest schema that this runtime cannot read."""


class ChecksumError(BundleError):
    """A file of the bundle differs from the one that was exported."""


class EngineError(HanjiError):
    """The inference engine is missing, too old, or refused the model."""


class ImageError(HanjiError):
    """A picture file that cannot be read, or an array that is no picture."""


class StreamError(HanjiError):
    """A camera, video or folder that gives no pictures, or no more of them."""


class UnknownIdError(HanjiError, KeyError):
    """A user or item id that the bundle does not know."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


class PlacementWarning(UserWarning):
    """Something did not run where it was asked to; the placement report says the same."""


__all__ = [
    "BundleError",
    "ChecksumError",
    "EngineError",
    "HanjiError",
    "ImageError",
    "PlacementWarning",
    "SchemaVersionError",
    "StreamError",
    "UnknownIdError",
]
