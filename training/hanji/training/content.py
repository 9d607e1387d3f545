"""Content hashes of data, by which results of other data are recognized."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from hanji.training.progress import logger


def content_hash(*parts: Any) -> str:
    """SHA-256, in hex, of arrays (dtype, shape and values) and JSON-ready values, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str} {part.shape}\n".encode())
            digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        else:
            digest.update(json.dumps(part, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def same_data(recorded: str, found: str) -> bool | None:
    """Whether a result was made from the data with the hash ``found``; None if that is unknown.

    ``recorded`` is the hash that is stored with the result; it is empty in results of earlier versions.
    """
    return recorded == found if recorded else None


def obstacle_to_reuse(recorded: str, found: str) -> str | None:
    """Why a result must not be reused for the data with the hash ``found``; None if it may be."""
    same = same_data(recorded, found)
    if same is None:
        return "it does not record the data that it was made from, as in earlier versions"
    return None if same else "the data has changed"


def warn_of_other_data(model: str, recorded: str, found: str) -> None:
    """Log a warning if ``model``, its name or path, is known to be trained on other data than ``found``."""
    if same_data(recorded, found) is False:
        logger.warning(
            f"{model}: the data has changed since the model was trained; train anew, or pass the data of its "
            "training"
        )


__all__ = ["content_hash", "obstacle_to_reuse", "same_data", "warn_of_other_data"]
