"""Reads image files with Pillow (the extra ``image``), which is imported on first use."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import HanjiError, ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image"
"""A path, a file's content, an open file, or a Pillow image."""

Pixels: TypeAlias = "NDArray[np.uint8] | NDArray[np.uint16]"

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Supported formats: those that Pillow decodes itself, without an external program."""
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif"),
    *(".png", ".webp", ".gif", ".bmp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""The extensions of files in these formats, in lower case: what is an image in a folder."""
LARGEST_PIXELS = 2**30 // 4 // 3
"""89 million, Pillow's own warning threshold: a file of a few bytes can declare terabytes of pixels."""

LARGEST_SIDE = 2**16 - 1
"""As in JPEG. Decoders also need memory for each row."""
LARGEST_BYTES = 2**27
"""134 MB of levels, such as 44 million RGB pixels. Decoding takes two to four times as much memory. A larger
JPEG file is decoded at half its size, unless it is progressive."""
_BYTES = {"1": 1, "L": 1, "RGB": 3}
"""Of a pixel's levels, by Pillow's name of the mode."""
_BAND_ROWS = 64

_TOO_LARGE = f"expected at most {LARGEST_PIXELS:,} pixels"
_ORIENTATION = 0x0112  # in EXIF
# Exceptions that Pillow's decoders raise for damaged files; they have no common base class.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    MemoryError,
    RecursionError,
    NotImplementedError,
    struct.error,
    zlib.error,
)


def decode(source: Source, *, name: str | None = None) -> Pixels:
    """Decode an image to pixels: [H, W] grayscale (uint8 or uint16), uint8 [H, W, 3] RGB, or [H, W, 4] RGBA.

    The EXIF orientation is applied; unreadable EXIF data is ignored. Palettes, CMYK and other colour spaces
    are converted to RGB without colour profiles. If a file has several images, the first is used. Errors
    mention ``name``, by default the path or type of ``source``.

    Raises ImageError if ``source`` is not an image, is truncated, has an unsupported mode, or exceeds
    ``LARGEST_PIXELS``, ``LARGEST_SIDE`` or ``LARGEST_BYTES``; HanjiError, stating what to install, if Pillow
    is missing.
    """
    shown = name_of(source) if name is None else name
    if is_pillow_image(source):
        return _pixels(source, shown)
    if isinstance(source, (str, os.PathLike)):
        with _file(source, shown) as stream:
            return _read(stream, shown)
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), shown)
    if hasattr(source, "read"):
        return _read(cast("IO[bytes]", source), shown)
    raise ImageError(
        f"{shown}: expected a path, the content of a file as bytes, an open file or a Pillow image"
    )


def name_of(source: object) -> str:
    """The name of an image in errors, if the caller gives none."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"an image of {len(source)} bytes"
    named = getattr(source, "filename", None) or getattr(source, "name", None)
    return named if isinstance(named, str) and named else f"the {type(source).__name__}"


def is_pillow_image(source: object) -> TypeGuard[Image]:
    """Whether ``source`` is a Pillow image. Does not import Pillow: an image implies that it is imported."""
    # While another thread is importing Pillow, the class does not exist yet, and neither do images.
    image = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return image is not None and isinstance(source, image)


def _file(path: str | os.PathLike[str], name: str) -> IO[bytes]:
    try:
        stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open takes no opener
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(f"{name}: cannot be read: {reason}") from error
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise ImageError(f"{name}: expected a regular file")
    return stream


def _without_waiting(path: str, flags: int) -> int:
    """Opens a named pipe although nobody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(stream: IO[bytes], name: str) -> Pixels:
    pillow = _pillow()
    try:
        image = pillow.open(stream, formats=FORMATS)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: {_TOO_LARGE}; {error}") from error
    except pillow.UnidentifiedImageError as error:
        formats = ", ".join(FORMATS)
        raise ImageError(f"{name}: expected an image ({formats}), found an unsupported format") from error
    except _DECODE_ERRORS as error:
        raise _damaged(name, error) from error
    with image:
        _shrink(image)
        return _pixels(image, name)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise HanjiError(
            "reading image files requires Pillow, which is not installed (arrays do not need it); "
            "try: pip install 'hanji-runtime[image]'"
        ) from error
    return Image


def _shrink(image: Image) -> None:
    """Have a large JPEG file decoded at half its size; a progressive one needs more memory than that."""
    width, height = image.size
    is_jpeg = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
    if is_jpeg and width * height <= LARGEST_PIXELS and _bytes_of(image) > LARGEST_BYTES:
        image.draft(None, (width // 2, height // 2))


def _bytes_of(image: Image) -> int:
    """The bytes of an image's levels; of palettes and other colour spaces, those of RGBA."""
    per_pixel = 2 if image.mode.startswith("I") else _BYTES.get(image.mode, 4)
    return image.width * image.height * (4 if "transparency" in image.info else per_pixel)


def _pixels(image: Image, name: str) -> Pixels:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise ImageError(f"{name}: {_TOO_LARGE}, found {width} × {height}; resize it first")
    if max(width, height) > LARGEST_SIDE or _bytes_of(image) > LARGEST_BYTES:
        raise ImageError(
            f"{name}: expected at most {LARGEST_SIDE:,} pixels a side and {LARGEST_BYTES:,} bytes of levels, "
            f"found {width} × {height} pixels, {_bytes_of(image):,} bytes; resize it first"
        )
    try:
        image.load()
        pixels = _levels(image)
    except _DECODE_ERRORS as error:
        raise _damaged(name, error) from error
    if pixels is None:
        raise ImageError(
            f"{name}: expected 8-bit or 16-bit pixels, found mode {image.mode}; convert it first"
        )
    return pixels


def _levels(image: Image) -> Pixels | None:
    """The pixels, upright, or None for a mode without a defined white level."""
    if image.mode == "F":
        return None
    if image.mode.startswith("I"):  # "I" is 32-bit, but older versions of Pillow use it for 16-bit images
        values = np.asarray(image) if image.mode == "I" else np.zeros(1)
        in_range = values.min() >= 0 and values.max() <= 0xFFFF
        return _upright(image, image.mode, 1, np.uint16) if in_range else None
    if image.has_transparency_data:
        return _upright(image, "RGBA", 4, np.uint8)
    if image.mode in ("1", "L"):
        return _upright(image, "L", 1, np.uint8)
    return _upright(image, "RGB", 3, np.uint8)


def _upright(image: Image, mode: str, channels: int, dtype: type[Any]) -> Pixels:
    """The pixels in ``mode`` with the EXIF orientation applied: 2 mirrored, 3 rotated by 180°, 4 both; 5 to 8
    are transposed as well. Bands of rows are converted to their places, without other copies.
    """
    width, height = image.size
    orientation = _orientation(image)
    sides = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    pixels = np.empty(sides if channels == 1 else (*sides, channels), dtype)
    stored = pixels[::-1] if orientation in (3, 4, 7, 8) else pixels
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation in (5, 6, 7, 8):
        stored = stored.swapaxes(0, 1)
    for top in range(0, height, _BAND_ROWS):
        band = image.crop((0, top, width, min(top + _BAND_ROWS, height)))
        stored[top : top + _BAND_ROWS] = np.asarray(band if band.mode == mode else band.convert(mode))
    return pixels


def _orientation(image: Image) -> int:
    try:
        orientation: object = image.getexif().get(_ORIENTATION, 1)
    except _DECODE_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _damaged(name: str, error: BaseException) -> ImageError:
    reason = str(error) or type(error).__name__
    return ImageError(f"{name}: the image is truncated or damaged: {reason}; copy or save it again")
