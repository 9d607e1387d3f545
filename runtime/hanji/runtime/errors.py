"""Errors of the device runtime.

    HanjiError
    ├── BundleError             the bundle cannot be used
    │   ├── SchemaVersionError  the bundle was written by a newer hanji
    │   └── ChecksumError       a file is not the exported one
    ├── EngineError             an inference engine is missing, too old, or rejected the model
    ├── ImageError              an image cannot be read, or an array is not an image
    ├── StreamError             a camera, video or folder delivers no frames (any more)
    └── UnknownIdError          a user or item is not in the bundle

Each message states where the error is, what was expected, what was found, and what to try. PlacementWarning
is not an error: results are correct, but operators did not run where requested.
"""

from __future__ import annotations


class HanjiError(Exception):
    """Base class of all errors that hanji reports to its user, as one line."""

    exit_code = 1
    """Of a command that ends with this error."""


class BundleError(HanjiError):
    """The bundle is missing, incomplete or malformed."""


class SchemaVersionError(BundleError):
    """The bundle follows a manifest schema that this runtime cannot read."""


class ChecksumError(BundleError):
    """A file of the bundle differs from the one that was exported."""


class EngineError(HanjiError):
    """The inference engine is missing, too old, or rejected the model."""


class ImageError(HanjiError):
    """An image file cannot be read, or an array is not an image."""


class StreamError(HanjiError):
    """A camera, video or folder delivers no frames, or no more of them."""


class UnknownIdError(HanjiError, KeyError):
    """A user or item id is not in the bundle."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


class PlacementWarning(UserWarning):
    """Operators did not run where requested; the placement report has the same information."""
