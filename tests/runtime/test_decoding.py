"""Decoding image files, and rejecting damaged ones."""

from __future__ import annotations

import io
import os
import random
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import HanjiError, ImageError
from hanji.runtime.images import decoding
from hanji.runtime.images.decoding import LARGEST_PIXELS, decode

pillow = pytest.importorskip("PIL.Image", reason="requires Pillow")
operations = pytest.importorskip("PIL.ImageOps")
ORIENTATION = 0x0112
RGB = np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)


def encoded(pixels: np.ndarray | Any, form: str, **options: Any) -> bytes:
    image = pillow.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def exif(orientation: int) -> Any:
    table = pillow.Exif()
    table[ORIENTATION] = orientation
    return table


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("PPM", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_formats(form: str, options: dict[str, Any]) -> None:
    assert np.array_equal(decode(encoded(RGB, form, **options)), RGB)


def test_jpeg_and_gif() -> None:
    for form in ("JPEG", "GIF"):
        content = encoded(RGB, form)
        with pillow.open(io.BytesIO(content)) as image:
            assert np.array_equal(decode(content), np.asarray(image.convert("RGB")))


def test_all_source_types(tmp_path: Path) -> None:
    path = tmp_path / "사진.png"
    path.write_bytes(encoded(RGB, "PNG"))
    with path.open("rb") as stream, pillow.open(path) as image:
        sources = [path, str(path), path.read_bytes(), stream, io.BytesIO(path.read_bytes()), image]
        for source in [*sources, pillow.fromarray(RGB)]:
            assert np.array_equal(decode(source), RGB)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(form: str, orientation: int) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    content = encoded(RGB, form, exif=exif(orientation), **options)
    with pillow.open(io.BytesIO(content)) as image:
        expected = operations.exif_transpose(image)
        assert np.array_equal(decode(content), np.asarray(expected.convert("RGB")))
    assert decode(content).shape == ((17, 13, 3) if orientation >= 5 else (13, 17, 3))


@pytest.mark.parametrize("orientation", [0, 9, 200])
def test_an_invalid_orientation_is_ignored(orientation: int) -> None:
    assert np.array_equal(decode(encoded(RGB, "PNG", exif=exif(orientation))), RGB)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_unreadable_exif_data_is_ignored() -> None:
    content = encoded(RGB, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert np.array_equal(decode(content), RGB)


def test_grayscale() -> None:
    grey = RGB[:, :, 0]
    found = decode(encoded(grey, "PNG"))
    assert found.dtype == np.uint8
    assert np.array_equal(found, grey)
    black_and_white = pillow.fromarray(grey).convert("1")
    assert np.array_equal(
        decode(encoded(black_and_white, "PNG")), np.asarray(black_and_white) * np.uint8(255)
    )


def test_16_bits() -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (5, 6), np.uint16)
    pgm = b"P5 6 5 65535\n" + levels.astype(">u2").tobytes()
    for content in (encoded(levels, "PNG"), encoded(levels, "TIFF"), pgm):
        found = decode(content)
        assert found.dtype == np.uint16
        assert np.array_equal(found, levels)
    assert np.array_equal(decode(pillow.fromarray(levels.astype(np.int32))), levels), "mode I"


def test_transparency() -> None:
    rgba = np.random.default_rng(2).integers(0, 256, (5, 6, 4), np.uint8)
    assert np.array_equal(decode(encoded(rgba, "PNG")), rgba)
    grey = pillow.fromarray(rgba).convert("LA")
    assert np.array_equal(decode(encoded(grey, "PNG")), np.asarray(grey.convert("RGBA")))
    palette = pillow.fromarray(RGB).convert("P")
    assert decode(encoded(palette, "PNG")).shape == (13, 17, 3)
    assert decode(encoded(palette, "PNG", transparency=0)).shape == (13, 17, 4)
    keyed = decode(encoded(RGB, "PNG", transparency=tuple(RGB[0, 0].tolist())))
    assert keyed[0, 0, 3] == 0
    assert keyed[1, 1, 3] == 255


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colour_spaces(mode: str) -> None:
    image = pillow.fromarray(RGB).convert(mode)
    content = encoded(image, "JPEG", quality=95)
    with pillow.open(io.BytesIO(content)) as opened:
        assert np.array_equal(decode(content), np.asarray(opened.convert("RGB")))


def test_the_first_of_several_images_is_decoded() -> None:
    first, second = (pillow.fromarray(np.full((4, 4), level, np.uint8)) for level in (10, 200))
    content = encoded(first, "TIFF", save_all=True, append_images=[second])
    assert (decode(content) == 10).all()


def test_modes_without_a_white_level() -> None:
    for image in (pillow.new("F", (3, 3), 0.5), pillow.new("I", (3, 3), 70_000), pillow.new("I", (3, 3), -1)):
        with pytest.raises(
            ImageError, match=r"expected 8-bit or 16-bit pixels, found mode [IF]; convert it first"
        ):
            decode(image)


PNG = encoded(RGB, "PNG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an image .*found an unsupported format"),
        (b"x", "expected an image"),
        (b"ein Text, kein Bild\n" * 40, r"expected an image \(JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "expected an image"),
        (PNG[:-40], "truncated or damaged: "),
        (PNG[:40], "truncated or damaged|expected an image"),
        (encoded(RGB, "JPEG")[:-100], "truncated or damaged: "),
        (PNG[:60] + b"\0\0\0\0" + PNG[64:], "truncated or damaged: "),
    ],
)
def test_errors_of_damaged_files_name_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"holiday\.png: .*({message})"):
        decode(path)
    with pytest.raises(ImageError, match=f"^an image of {len(content)} bytes: "):
        decode(content)
    with pytest.raises(ImageError, match=r"^page 4: "):
        decode(content, name="page 4")


def png_with_size(width: int, height: int, kind: int = 0) -> bytes:
    """A tiny file with the header of a large image."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    return start + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\x04IDAT" + b"\0" * 8


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize(
    "sides", [(10_000, 9_000), (13_000, 14_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)]
)
def test_images_that_declare_a_huge_size(sides: tuple[int, int]) -> None:
    assert sides[0] * sides[1] > LARGEST_PIXELS
    with pytest.raises(ImageError, match="expected at most 89,478,485 pixels"):
        decode(png_with_size(*sides))


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize(
    ("mode", "size", "found"),
    [
        ("L", (1, 89_000_000), "1 × 89000000 pixels, 89,000,000 bytes"),
        ("L", (65_536, 1), "65536 × 1 pixels, 65,536 bytes"),
        ("RGB", (9400, 9400), "9400 × 9400 pixels, 265,080,000 bytes"),
        ("RGBA", (5793, 5793), "5793 × 5793 pixels, 134,235,396 bytes"),
        ("P", (9400, 9400), "9400 × 9400 pixels, 353,440,000 bytes"),
    ],
)
def test_images_that_take_too_much_memory(mode: str, size: tuple[int, int], found: str) -> None:
    """Refused from the header: the content of these files is missing."""
    kind = {"L": 0, "RGB": 2, "P": 3, "RGBA": 6}[mode]
    content = png_with_size(*size, kind=kind)
    expected = f"at most 65,535 pixels a side and 134,217,728 bytes of levels, found {found}; resize it first"
    with pytest.raises(ImageError, match=expected):
        decode(content)


def test_the_largest_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a smaller limit, because such images take a second each."""
    monkeypatch.setattr(decoding, "LARGEST_BYTES", 3 * 100 * 80)
    large = pillow.fromarray(np.random.default_rng(0).integers(0, 256, (81, 100, 3), np.uint8))
    allowed = large.crop((0, 0, 100, 80))
    for form in ("PNG", "JPEG"):
        stored = pillow.open(io.BytesIO(encoded(allowed, form)))
        assert np.array_equal(decode(encoded(allowed, form)), np.asarray(stored))
    with pytest.raises(ImageError, match="found 100 × 81 pixels, 24,300 bytes"):
        decode(encoded(large, "PNG"))
    with pytest.raises(ImageError, match="found 100 × 81 pixels, 24,300 bytes"):
        decode(large)
    with pytest.raises(ImageError, match="found 100 × 81 pixels, 24,300 bytes"):
        decode(encoded(large, "JPEG", progressive=True))
    assert decode(encoded(large, "JPEG")).shape == (41, 50, 3)
    assert decode(encoded(large, "JPEG", exif=exif(6))).shape == (50, 41, 3)
    with pytest.raises(ImageError, match="found 200 × 150 pixels"):  # half the size is not small enough
        decode(encoded(large.resize((400, 300)), "JPEG"))


@pytest.mark.parametrize("rows", [63, 64, 65, 129])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_bands_of_rows_are_invisible(mode: str, rows: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (rows, 5, 4), np.uint8)
    image = pillow.fromarray(levels, "RGBA").convert(mode.replace("I;16", "L"))
    if mode == "I;16":
        image = pillow.fromarray(np.asarray(image).astype(np.uint16) * 257)
    wanted = {"LA": "RGBA", "P": "RGBA", "CMYK": "RGB", "1": "L"}.get(mode, mode)  # this palette has alpha
    expected = np.asarray(image if mode == "I;16" else image.convert(wanted))
    assert np.array_equal(decode(image), expected)


def test_named_pipes_and_devices(tmp_path: Path) -> None:
    """Nobody writes to the pipe: opening it in the usual way would wait for ever."""
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/null")):
        with pytest.raises(ImageError, match=f"{path}: expected a regular file"):
            decode(path)


def test_paths_that_cannot_be_read(
    tmp_path: Path, without_rights: Callable[[], AbstractContextManager[None]]
) -> None:
    with pytest.raises(ImageError, match=r"nothing\.png: cannot be read: No such file"):
        decode(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        decode(tmp_path)
    with pytest.raises(ImageError, match="cannot be read: embedded null byte"):
        decode("a\0b")
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    secret.chmod(0)
    with without_rights(), pytest.raises(ImageError, match="cannot be read: Permission denied"):
        decode(secret)


@pytest.mark.parametrize("source", [None, 7, [1, 2], 1.5, {"a": 1}])
def test_invalid_sources(source: Any) -> None:
    with pytest.raises(ImageError, match=f"the {type(source).__name__}: expected a path, the content"):
        decode(source)


def test_closed_files_and_text_files(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    stream = path.open("rb")
    stream.close()
    with pytest.raises(ImageError, match=r"a\.png: "):
        decode(stream)
    with pytest.raises(ImageError), path.open(encoding="latin-1") as text:
        decode(text)  # type: ignore[arg-type]
    image = pillow.open(path)
    image.close()
    with pytest.raises(ImageError, match=r"a\.png: "):
        decode(image)


def test_without_pillow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(HanjiError, match=r"try: pip install 'hanji-runtime\[image\]'") as caught:
        decode(tmp_path / "a.png")
    assert not isinstance(caught.value, ImageError), "the image is not the problem"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM", "TIFF"])
def test_random_damage(form: str) -> None:
    """A damaged file either decodes or raises ImageError."""
    rng = random.Random(3)  # noqa: S311
    options = {"exif": exif(6)} if form in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    content = encoded(RGB, form, **options)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        try:
            found = decode(bytes(damaged))
        except ImageError as error:
            assert str(error)
        else:
            assert found.ndim in (2, 3)
