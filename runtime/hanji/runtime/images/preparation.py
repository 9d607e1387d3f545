"""Converts any image to the model's input in integer arithmetic, reproducible byte for byte in any language.

docs/image-preparation.md specifies it; compositing, luma and resizing give the same bytes as Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import ImageError
from hanji.runtime.images.decoding import Pixels
from hanji.runtime.images.resizing import resized

if TYPE_CHECKING:
    from hanji.runtime.manifest import ImageInput

_LEVELS = np.dtype(np.uint8)
_BAND_PIXELS = 2**18


def prepare(pixels: Pixels, image_input: ImageInput, *, name: str = "the array") -> NDArray[np.uint8]:
    """Return the model's input for one image, uint8 [1, height, width, channels].

    ``pixels`` are uint8 or uint16 [H, W] or [H, W, 1] (grayscale), [H, W, 3] (RGB) or [H, W, 4] (RGBA, not
    premultiplied). The result shares their memory if no conversion was needed.

    Raises ImageError, mentioning ``name``, for anything else.
    """
    if isinstance(pixels, np.ndarray) and pixels.dtype == _LEVELS and pixels.shape == image_input.shape:
        return np.ascontiguousarray(pixels, np.uint8)[None]  # already the model's input
    check_pixels(pixels, name)
    channels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return _prepared(channels[None], image_input)


def prepare_batch(pixels: Pixels, image_input: ImageInput, *, name: str = "the array") -> NDArray[np.uint8]:
    """``prepare`` for images of one size, [n, H, W, channels]: uint8 [n, height, width, channels]."""
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 4:
        raise ImageError(f"{name}: expected images [n, height, width, channels], found {_found(pixels)}")
    if len(pixels) == 0:
        return np.empty((0, *image_input.shape), np.uint8)
    check_pixels(pixels[0], name)
    return _prepared(pixels, image_input)


def check_pixels(pixels: object, name: str) -> None:
    """Raise ImageError unless ``pixels`` are valid for ``prepare``."""
    if not isinstance(pixels, np.ndarray):
        raise ImageError(f"{name}: expected a numpy array of pixels, found {_found(pixels)}")
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise ImageError(
            f"{name}: expected pixel values from 0 to 255 as uint8 (or 16-bit values as uint16), found "
            f"{pixels.dtype}; {_REMEDIES.get(pixels.dtype.kind, 'convert it to uint8')}"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"{name}: expected the shape [height, width] or [height, width, channels] with 1 (grayscale), "
            f"3 (RGB) or 4 channels (RGBA), found {list(pixels.shape)}"
        )
    if pixels.size == 0:
        raise ImageError(f"{name}: expected at least one pixel, found the shape {list(pixels.shape)}")


_REMEDIES = {
    "f": "if its range is 0 to 1, convert it to uint8 first: (array * 255).round().astype(numpy.uint8); "
    "if its range is 0 to 255: array.round().astype(numpy.uint8)",
    "i": "if its range is 0 to 255, convert it to uint8 first: array.astype(numpy.uint8)",
    "b": "convert it to black and white first: array.astype(numpy.uint8) * 255",
}
_REMEDIES["u"] = _REMEDIES["i"]


def _prepared(pixels: NDArray[Any], image_input: ImageInput) -> NDArray[np.uint8]:
    background = np.array(image_input.background, np.uint8)
    levels = pixels if pixels.dtype.itemsize == 1 else _in_bands(_upper_bytes, pixels, pixels.shape[3])
    if levels.shape[3] == 4:
        levels = _in_bands(partial(_composite, background=background), levels, 3)
    if image_input.channels == 1:
        background = _luma(background)
        levels = levels if levels.shape[3] == 1 else _in_bands(_luma, levels, 1)
    fitted = _FITS[image_input.fit](levels, image_input.height, image_input.width, background)
    if fitted.shape[3] < image_input.channels:
        fitted = fitted.repeat(image_input.channels, axis=3)
    return np.ascontiguousarray(fitted)


def _in_bands(
    convert: Callable[[NDArray[Any]], NDArray[np.uint8]], levels: NDArray[Any], channels: int
) -> NDArray[np.uint8]:
    """``convert``, which takes several times their memory, in bands of rows of large images [n, h, w, c]."""
    count, height, width, _ = levels.shape
    rows = max(1, _BAND_PIXELS // (count * width))
    if height <= rows:
        return convert(levels)
    result = np.empty((count, height, width, channels), np.uint8)
    for top in range(0, height, rows):
        result[:, top : top + rows] = convert(levels[:, top : top + rows])
    return result


def _upper_bytes(levels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (levels >> 8).astype(np.uint8)


def _composite(levels: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite RGBA images, uint8 [n, h, w, 4], onto the background; returns RGB."""
    colour, alpha = levels[..., :3].astype(np.uint16), levels[..., 3:].astype(np.uint16)
    return ((alpha * colour + (255 - alpha) * background + 127) // 255).astype(np.uint8)


def _luma(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grayscale, uint8 [..., 1], from RGB, uint8 [..., 3]."""
    weighted = colour.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
    return ((weighted + 32768) >> 16).astype(np.uint8)[..., None]


def _stretched(
    levels: NDArray[np.uint8], height: int, width: int, background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    return resized(levels, height, width)


def _cropped(
    levels: NDArray[np.uint8], height: int, width: int, background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    rows, columns = levels.shape[1:3]
    if columns * height > rows * width:
        kept = min(columns, max(1, _rounded(rows * width, height)))
        left = (columns - kept) // 2
        levels = levels[:, :, left : left + kept]
    elif columns * height < rows * width:
        kept = min(rows, max(1, _rounded(columns * height, width)))
        top = (rows - kept) // 2
        levels = levels[:, top : top + kept]
    return resized(levels, height, width)


def _padded(
    levels: NDArray[np.uint8], height: int, width: int, background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    count, rows, columns, channels = levels.shape
    if columns * height > rows * width:
        inner_height, inner_width = max(1, _rounded(rows * width, columns)), width
    else:
        inner_height, inner_width = height, max(1, _rounded(columns * height, rows))
    inner = resized(levels, inner_height, inner_width)
    if len(background) > channels:  # grayscale for an RGB model: the background may be coloured
        inner = inner.repeat(len(background), axis=3)
    result = np.empty((count, height, width, inner.shape[3]), np.uint8)
    result[...] = background
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    result[:, top : top + inner_height, left : left + inner_width] = inner
    return result


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


_FITS = {"stretch": _stretched, "crop": _cropped, "pad": _padded}


def _found(value: object) -> str:
    return f"the shape {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
