"""Whether the stated scale, mean and std fit one another: a wrong one changes answers without any error."""

from __future__ import annotations

from pathlib import Path

from hanji.runtime.manifest import ImageInput
from hanji.training.progress import logger

FROM_0_TO_1 = "scale = 0.00392156862745098 (1/255)"
"""The key for values from 0 to 1; TOML has no fractions."""

_LEVELS = 255.0
_WIDEST, _NARROWEST = 512.0, 0.5
"""Ranges of a network's input are between 1 (0 to 1) and 255; channels of little contrast have up to 10."""


def warn_of_range(image: ImageInput, path: Path) -> None:
    """Log a warning if the network would get a range of values that no network is trained with.

    ``mean`` and ``std`` of ``image`` are in pixel values.
    """
    if image.normalized_by == "graph":
        return
    ranges = [_LEVELS / std for std in image.std]
    if max(ranges) > _WIDEST:
        remedy = f"if mean and std are those of values from 0 to 1, set {FROM_0_TO_1}"
    elif min(ranges) < _NARROWEST:
        remedy = "if mean and std are those of values from 0 to 255, leave scale out"
    else:
        return
    low = min(-mean / std for mean, std in zip(image.mean, image.std, strict=True))
    high = max((_LEVELS - mean) / std for mean, std in zip(image.mean, image.std, strict=True))
    logger.warning(
        f"{path}: with these scale, mean and std the network gets values from {low:.4g} to {high:.4g}, which "
        f"is unusual; {remedy}"
    )


__all__ = ["FROM_0_TO_1", "warn_of_range"]
