"""The names of the signature of a classifier, of its input and of its output."""

from __future__ import annotations

CLASSIFY = "classify"
IMAGE = "image"
PROBABILITIES = "probabilities"

__all__ = ["CLASSIFY", "IMAGE", "PROBABILITIES"]
