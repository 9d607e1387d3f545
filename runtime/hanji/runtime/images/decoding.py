"""Reads picture files with Pillow (the extra ``image``), which is imported when the first one is read."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path
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
"""What is read: formats that Pillow decodes itself, without another program."""
LARGEST_PIXELS = 2**30 // 4 // 3
"""89 million, where Pillow itself begins to warn: a few bytes can claim to be terabytes of pixels."""

_TOO_LARGE = f"expected at most {LARGEST_PIXELS:,} pixels"
_ORIENTATION = 0x0112  # in EXIF
# What Pillow's decoders raise over damaged files, besides OSError: they have no common base.
_DAMAGE = (
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
    """The pixels of a picture: [H, W] for grey (uint8 or uint16), uint8 [H, W, 3], or [H, W, 4] with alpha.

    Upright as its EXIF says; an EXIF that cannot be read counts as none. Palettes, CMYK and other colour
    spaces become red, green, blue, by plain formulas: colour profiles are not applied. Of several pictures in
    a file the first one counts. ``name`` stands in errors, otherwise the path or kind of ``source``.

    Raises PictureError for what is no picture, is cut off, has more than ``LARGEST_PIXELS`` or is of a kind
    that is not read; HanjiError, with what to install, if Pillow is missing.
    """
    called = name_of(source) if name is None else name
    if is_pillow_image(source):
        return _pixels(source, called)
    if isinstance(source, (str, os.PathLike)):
        with _file(source, called) as stream:
            return _read(stream, called)
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), called)
    if hasattr(source, "read"):
        return _read(cast("IO[bytes]", source), called)
    raise ImageError(
        f"{called}: expected a path, the content of a file as bytes, an open file or a Pillow image"
    )


def name_of(source: object) -> str:
    """What errors call a picture that has no other name."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"a picture of {len(source)} bytes"
    named = getattr(source, "filename", None) or getattr(source, "name", None)
    return named if isinstance(named, str) and named else f"the {type(source).__name__}"


def is_pillow_image(source: object) -> TypeGuard[Image]:
    """Whether it is one, without importing Pillow: who has one has imported it."""
    # Another thread may be importing it right now: then its class is not there yet, nor is any image.
    image = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return image is not None and isinstance(source, image)


def _file(path: str | os.PathLike[str], name: str) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(f"{name}: cannot be read: {reason}") from error


def _read(stream: IO[bytes], name: str) -> Pixels:
    pillow = _pillow()
    try:
        image = pillow.open(stream, formats=FORMATS)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: {_TOO_LARGE}; {error}") from error
    except pillow.UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise ImageError(f"{name}: expected a picture ({kinds}), found something else") from error
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    with image:
        return _pixels(image, name)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise HanjiError(
            "reading picture files takes Pillow, which is not installed (arrays go without it); "
            "try: pip install 'hanji-runtime[image]'"
        ) from error
    return Image


def _pixels(image: Image, name: str) -> Pixels:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise ImageError(f"{name}: {_TOO_LARGE}, found {width} × {height}; make it smaller first")
    try:
        image.load()
        pixels = _levels(image)
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    if pixels is None:
        kind = f"mode {image.mode}"
        raise ImageError(f"{name}: expected levels of 8 or 16 bits, found others ({kind}); convert it first")
    return _upright(pixels, _orientation(image)).copy()


def _levels(image: Image) -> Pixels | None:
    """The pixels as they lie in the file, None where there is no telling which level is white."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":  # where older versions of Pillow put 16 bits
        whole = np.asarray(image)
        return whole.astype(np.uint16) if whole.min() >= 0 and whole.max() <= 0xFFFF else None
    if image.mode == "F":
        return None
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _orientation(image: Image) -> int:
    try:
        orientation: object = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """EXIF's orientations: 2 to 4 are mirrored, turned by half, both; 5 to 8 lie on their side."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _damaged(name: str, error: BaseException) -> ImageError:
    reason = str(error) or type(error).__name__
    return ImageError(f"{name}: the picture is cut off or damaged: {reason}; copy or save it again")


__all__ = ["FORMATS", "LARGEST_PIXELS", "Pixels", "Source", "decode", "is_pillow_image", "name_of"]
