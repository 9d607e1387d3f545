"""From any picture to the model's input, in integers: the same bytes wherever this is written again.

Pixels are levels of 0 to 255 in the order red, green, blue. What happens, in this order:

1.  16-bit levels lose their lower byte: level >> 8.
2.  What is transparent shows the background, in each channel:
    (alpha · level + (255 - alpha) · background + 127) // 255.
3.  Colour for a grey model becomes ITU-R 601 luma:
    (19595 · red + 38470 · green + 7471 · blue + 32768) >> 16. So does the background.
4.  The picture of W × H pixels becomes one of w × h, as ``PictureInput.fit`` says:

    stretch  All of it is resized to w × h.
    crop     First its middle is cut out. If W · h > H · w, that is min(W, round(H · w / h)) columns and all
             rows; if W · h < H · w, all columns and min(H, round(W · h / w)) rows; both at least 1. Of what
             is left over, the smaller half (rounded down) is cut off at the left or the top. The middle is
             resized to w × h.
    pad      If W · h > H · w it is resized to w columns and round(H · w / W) rows, else to round(W · h / H)
             columns and h rows; both at least 1. The smaller half of the free rows or columns lies at the
             top or the left, and all are filled with the background.

    round(a / b) is (2 · a + b) // (2 · b); ``hanji.runtime.images.resizing`` says how levels are mixed.
5.  Grey for a model of colour is repeated in all three channels.

Steps 2, 3 and the resizing give the bytes that Pillow gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import ImageError
from hanji.runtime.images.decoding import Pixels, decode
from hanji.runtime.images.resizing import resized

if TYPE_CHECKING:
    from hanji.runtime.manifest import ImageInput

_LEVELS = np.dtype(np.uint8)


def prepare(pixels: Pixels, image_input: ImageInput, *, name: str = "the array") -> NDArray[np.uint8]:
    """The model's input for one picture, uint8 [1, height, width, channels].

    ``pixels`` are uint8 or uint16 [H, W] or [H, W, 1] (grey), [H, W, 3] (red, green, blue) or [H, W, 4] (and
    alpha, not multiplied in). What comes back shares their memory where there was nothing to change.

    Raises PictureError, with ``name``, for anything else.
    """
    if isinstance(pixels, np.ndarray) and pixels.dtype == _LEVELS and pixels.shape == image_input.shape:
        return np.ascontiguousarray(pixels, np.uint8)[None]  # there is nothing to change
    check_pixels(pixels, name)
    channels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return _prepared(channels[None], image_input)


def prepare_batch(pixels: Pixels, image_input: ImageInput, *, name: str = "the array") -> NDArray[np.uint8]:
    """``prepare`` for pictures of one size, [n, H, W, channels]: uint8 [n, height, width, channels]."""
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 4:
        raise ImageError(f"{name}: expected pictures [n, height, width, channels], found {_found(pixels)}")
    if len(pixels) == 0:
        return np.empty((0, *image_input.shape), np.uint8)
    check_pixels(pixels[0], name)
    return _prepared(pixels, image_input)


def check_pixels(pixels: object, name: str) -> None:
    """PictureError unless ``pixels`` are what ``prepare`` takes."""
    if not isinstance(pixels, np.ndarray):
        raise ImageError(f"{name}: expected a numpy array of pixels, found {_found(pixels)}")
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise ImageError(
            f"{name}: expected levels of 0 to 255 as uint8 (or 16-bit levels as uint16), found "
            f"{pixels.dtype}; {_REMEDIES.get(pixels.dtype.kind, 'make it an array of uint8')}"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"{name}: expected the shape [height, width] or [height, width, channels] with 1 (grey), 3 (red, "
            f"green, blue) or 4 channels (and alpha), found {list(pixels.shape)}"
        )
    if pixels.size == 0:
        raise ImageError(f"{name}: expected at least one pixel, found the shape {list(pixels.shape)}")


_REMEDIES = {
    "f": "if it holds 0 to 1, turn it into uint8 first: (array * 255).round().astype(numpy.uint8); "
    "if it holds 0 to 255: array.round().astype(numpy.uint8)",
    "i": "if it holds 0 to 255, turn it into uint8 first: array.astype(numpy.uint8)",
    "b": "turn it into black and white first: array.astype(numpy.uint8) * 255",
}
_REMEDIES["u"] = _REMEDIES["i"]


def _prepared(pixels: NDArray[Any], image_input: ImageInput) -> NDArray[np.uint8]:
    levels = pixels if pixels.dtype.itemsize == 1 else (pixels >> 8).astype(np.uint8)
    background = np.array(image_input.background, np.uint8)
    if levels.shape[3] == 4:
        levels = _over(levels, background)
    if image_input.channels == 1:
        background = _luma(background)
        levels = levels if levels.shape[3] == 1 else _luma(levels)
    fitted = _FITS[image_input.fit](levels, image_input.height, image_input.width, background)
    if fitted.shape[3] < image_input.channels:
        fitted = fitted.repeat(image_input.channels, axis=3)
    return np.ascontiguousarray(fitted)


def _over(levels: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Red, green, blue of pictures with alpha, uint8 [n, h, w, 4], in front of the background."""
    colour, alpha = levels[..., :3].astype(np.uint16), levels[..., 3:].astype(np.uint16)
    return ((alpha * colour + (255 - alpha) * background + 127) // 255).astype(np.uint8)


def _luma(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey, uint8 [..., 1], of red, green and blue, uint8 [..., 3]."""
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
    if len(background) > channels:  # grey for a model of colour, and the background may have some
        inner = inner.repeat(len(background), axis=3)
    result = np.empty((count, height, width, inner.shape[3]), np.uint8)
    result[...] = background
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    result[:, top : top + inner_height, left : left + inner_width] = inner
    return result


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest integer to a quotient of integers, halves upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


_FITS = {"stretch": _stretched, "crop": _cropped, "pad": _padded}


def _found(value: object) -> str:
    return f"the shape {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__


__all__ = ["check_pixels", "decode", "prepare", "prepare_batch"]
