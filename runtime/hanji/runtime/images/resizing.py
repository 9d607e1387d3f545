"""Bilinear resizing in integer arithmetic, numpy only: the same bytes as Pillow's ``resize(…, BILINEAR)``.

docs/image-preparation.md specifies it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BITS = 22
_ROWS = 64
"""Pixel rows per block, few enough to stay in the CPU cache."""


def resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize ``pixels`` (uint8 [n, h, w, c]) to uint8 [n, height, width, c]."""
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
    per_block = max(1, _ROWS // height)
    for start in range(0, count, per_block):
        block = pixels[start : start + per_block]
        total = np.full((len(block), height, width, channels), 1 << (_BITS - 1), np.int32)
        for position, weight in zip(positions, weights, strict=True):
            total += block.take(position, axis=1) * weight[:, None, None]
        result[start : start + per_block] = _levels(total)
    return result


def _levels(total: NDArray[np.int32]) -> NDArray[np.uint8]:
    total >>= _BITS
    levels: NDArray[np.uint8] = np.minimum(total, 255).astype(np.uint8)
    return levels


@lru_cache(maxsize=64)
def _taps(length: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Source positions ([taps, target]) and their fixed-point weights (int32 [taps, target]).

    Target pixels with fewer taps are padded with weight 0 at a valid position.
    """
    scale = length / target
    spread = max(scale, 1.0)
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum(np.trunc(centre - spread + 0.5), 0).astype(np.intp)
    end = np.minimum(np.trunc(centre + spread + 0.5), length).astype(np.intp)
    positions = first + np.arange(int((end - first).max()))[:, None]
    taps = np.maximum(1 - np.abs((positions - centre + 0.5) * (1 / spread)), 0)
    taps[positions >= end] = 0
    total = np.zeros(target)
    for tap in taps:  # in order: numpy's pairwise sum would round differently
        total += tap
    weights = np.floor(0.5 + taps / total * (1 << _BITS)).astype(np.int32)
    used = weights.any(axis=1)
    return np.minimum(positions, length - 1)[used], weights[used]
