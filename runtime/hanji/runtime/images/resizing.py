"""Bilinear resizing in integers: the same bytes as Pillow's ``resize(…, BILINEAR)``, from numpy alone.

The arithmetic, for whoever writes it again in another language (doubles are IEEE 754, nothing is fused):

1.  Columns first, then rows. Each pass ends in 8-bit levels, and a pass that keeps the length is left out.

2.  One pass takes n levels to m. With the doubles scale = n / m, spread = max(scale, 1) (which is also half
    the width of the triangle, in source pixels) and step = 1 / spread, target pixel i has

        centre = (i + 0.5) · scale
        first  = max(0, ⌊centre - spread + 0.5⌋ rounded towards zero)
        end    = min(n, ⌊centre + spread + 0.5⌋)

    and mixes the source pixels first, first + 1, …, end - 1. Source pixel j weighs

        w(j) = max(0, 1 - |((j - centre) + 0.5) · step|)

    as doubles, in that order of operations, then w(j) / (w(first) + w(first + 1) + …), summed in that order.
    So shrinking averages all pixels under a triangle as wide as two target pixels, and enlarging mixes two.

3.  Each weight becomes an integer of 22 fractional bits: ⌊0.5 + weight · 4194304⌋.

4.  The target level is (2097152 + Σ weight(j) · level(j)) >> 22, at most 255. Everything fits into 32 bits:
    levels are at most 255 and weights add up to 4194304, give or take the rounding of step 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BITS = 22
_ROWS = 64
"""Rows of pixels that go through a pass together, few enough to stay in the processor's cache."""


def resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """``pixels`` (uint8 [n, h, w, c]) in another size, uint8 [n, height, width, c]."""
    if pixels.shape[2] != width:
        pixels = _columns(pixels, width)
    if pixels.shape[1] != height:
        pixels = _rows(pixels, height)
    return pixels


def _columns(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    count, height, _, channels = pixels.shape
    positions, weights = _taps(pixels.shape[2], width)
    lines = pixels.reshape(count * height, pixels.shape[2], channels)
    result = np.empty((count * height, width, channels), np.uint8)
    for start in range(0, len(lines), _ROWS):
        block = lines[start : start + _ROWS]
        total = np.full((len(block), width, channels), 1 << (_BITS - 1), np.int32)
        for position, weight in zip(positions, weights, strict=True):
            total += block.take(position, axis=1) * weight[:, None]
        result[start : start + _ROWS] = _levels(total)
    return result.reshape(count, height, width, channels)


def _rows(pixels: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    count, _, width, channels = pixels.shape
    positions, weights = _taps(pixels.shape[1], height)
    result = np.empty((count, height, width, channels), np.uint8)
    together = max(1, _ROWS // height)
    for start in range(0, count, together):
        block = pixels[start : start + together]
        total = np.full((len(block), height, width, channels), 1 << (_BITS - 1), np.int32)
        for position, weight in zip(positions, weights, strict=True):
            total += block.take(position, axis=1) * weight[:, None, None]
        result[start : start + together] = _levels(total)
    return result


def _levels(total: NDArray[np.int32]) -> NDArray[np.uint8]:
    total >>= _BITS
    levels: NDArray[np.uint8] = np.minimum(total, 255).astype(np.uint8)
    return levels


@lru_cache(maxsize=64)
def _taps(length: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Which pixels are mixed (positions [taps, target]) with which weights (int32 [taps, target]).

    A target pixel that mixes fewer than others has weights of 0 at a position that exists.
    """
    scale = length / target
    spread = max(scale, 1.0)
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum(np.trunc(centre - spread + 0.5), 0).astype(np.intp)
    end = np.minimum(np.trunc(centre + spread + 0.5), length).astype(np.intp)
    positions = first + np.arange(int((end - first).max()))[:, None]
    shares = np.maximum(1 - np.abs((positions - centre + 0.5) * (1 / spread)), 0)
    shares[positions >= end] = 0
    total = np.zeros(target)
    for share in shares:  # one after the other: numpy's own sum would round otherwise
        total += share
    weights = np.floor(0.5 + shares / total * (1 << _BITS)).astype(np.int32)
    used = weights.any(axis=1)
    return np.minimum(positions, length - 1)[used], weights[used]


__all__ = ["resized"]
