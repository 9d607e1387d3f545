"""The names of a classifier's signature, input and output."""

from __future__ import annotations

CLASSIFY = "classify"
IMAGE = "image"
PROBABILITIES = "probabilities"

__all__ = ["CLASSIFY", "IMAGE", "PROBABILITIES"]
