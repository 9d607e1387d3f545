"""Image preparation: byte-identical to Pillow, for all valid arrays; errors for invalid ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from hanji.runtime import ImageError
from hanji.runtime.images import preparation
from hanji.runtime.images.preparation import prepare, prepare_batch
from hanji.runtime.manifest import ImageInput

pillow = pytest.importorskip("PIL.Image", reason="Pillow is the reference")
WHITE = (255, 255, 255)


def rule(height: int, width: int, channels: int = 3, fit: str = "stretch", **fields: Any) -> ImageInput:
    zeros, ones = (0.0,) * channels, (1.0,) * channels
    return ImageInput(height, width, channels, fit, zeros, ones, "graph", **fields)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def by_pillow(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    image = pillow.fromarray(pixels)
    return np.asarray(image.resize((width, height), pillow.Resampling.BILINEAR))


def test_resizing_by_hand() -> None:
    """Expected values computed by hand, such as weights of 3/7, 3/7 and 1/7 for four levels to two."""
    assert prepare(np.array([[0, 100]], np.uint8), rule(1, 3, 1)).ravel().tolist() == [0, 50, 100]
    assert prepare(np.array([[0, 100]], np.uint8), rule(1, 4, 1)).ravel().tolist() == [0, 25, 75, 100]
    assert prepare(np.array([[7, 14, 70, 0]], np.uint8), rule(1, 2, 1)).ravel().tolist() == [19, 32]
    assert prepare(np.array([[0], [100]], np.uint8), rule(4, 1, 1)).ravel().tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("seed", range(40))
def test_resizing_gives_the_bytes_of_pillow(seed: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    (high, wide), (height, width) = rng.integers(1, 120, 2), rng.integers(1, 90, 2)
    pixels = rng.integers(0, 256, (high, wide, channels), np.uint8)
    if seed % 2:
        pixels = np.where(pixels > 127, np.uint8(255), np.uint8(0))  # hard edges only
    found = prepare(pixels, rule(int(height), int(width), channels))
    expected = by_pillow(pixels[:, :, 0] if channels == 1 else pixels, int(height), int(width))
    assert found.shape == (1, height, width, channels)
    assert found.dtype == np.uint8
    assert np.array_equal(found[0], expected.reshape(height, width, channels))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((1, 1), (224, 224)),
        ((1, 1000), (32, 32)),
        ((1000, 1), (32, 32)),
        ((480, 640), (224, 224)),
        ((28, 28), (28, 28)),
        ((28, 28), (96, 28)),
        ((3000, 20), (8, 1)),
        ((2, 3), (1, 1)),
    ],
)
def test_extreme_sizes(source: tuple[int, int], target: tuple[int, int]) -> None:
    pixels = noise(*source, 3)
    assert np.array_equal(prepare(pixels, rule(*target))[0], by_pillow(pixels, *target))


def test_white_stays_white() -> None:
    for size in (1, 2, 3, 7, 29, 100, 333):
        pixels = np.full((size, 2 * size, 3), 255, np.uint8)
        assert (prepare(pixels, rule(31, 17)) == 255).all()


def test_crop_keeps_the_middle() -> None:
    wide, tall = noise(10, 31, 3), noise(31, 10, 3)
    assert np.array_equal(prepare(wide, rule(5, 5, fit="crop"))[0], by_pillow(wide[:, 10:20], 5, 5))
    assert np.array_equal(prepare(tall, rule(5, 5, fit="crop"))[0], by_pillow(tall[10:20], 5, 5))
    assert np.array_equal(prepare(wide, rule(20, 62, fit="crop"))[0], by_pillow(wide, 20, 62))
    # round(7 · 3 / 2) = 11 columns (10.5, halves upwards) of 20: 4 are cut off at the left, 5 at the right
    odd = noise(7, 20, 3)
    assert np.array_equal(prepare(odd, rule(2, 3, fit="crop"))[0], by_pillow(odd[:, 4:15], 2, 3))
    line = noise(1, 1000, 3)
    assert np.array_equal(prepare(line, rule(8, 2, fit="crop"))[0], by_pillow(line[:, 499:500], 8, 2))


def test_pad_keeps_the_whole_image() -> None:
    wide = noise(10, 30, 3)
    found = prepare(wide, rule(12, 12, fit="pad", background=(1, 2, 3)))[0]
    assert np.array_equal(found[4:8], by_pillow(wide, 4, 12))
    assert (found[:4] == [1, 2, 3]).all()
    assert (found[8:] == [1, 2, 3]).all()
    tall = noise(30, 10)
    grey = prepare(tall, rule(12, 13, 1, "pad", background=(1, 2, 3)))[0, :, :, 0]
    assert np.array_equal(grey[:, 4:8], by_pillow(tall, 12, 4))
    assert (grey[:, :4] == 2).all()
    assert (grey[:, 8:] == 2).all(), "an odd padding column is at the right"
    coloured = prepare(tall, rule(12, 12, fit="pad", background=(9, 0, 200)))[0]
    assert (coloured[0, 0] == [9, 0, 200]).all(), "grayscale images can have a coloured background"
    assert np.array_equal(coloured[:, 4:8], by_pillow(tall, 12, 4)[:, :, None].repeat(3, 2))
    thin = prepare(noise(2, 1000, 3), rule(8, 8, fit="pad"))[0]
    assert (thin != 255).any(axis=(1, 2)).sum() == 1, "at least one row remains"


def test_fits_are_equal_for_the_same_aspect_ratio() -> None:
    pixels = noise(40, 60, 3)
    stretch, crop, pad = (prepare(pixels, rule(20, 30, fit=fit)) for fit in ("stretch", "crop", "pad"))
    assert np.array_equal(stretch, crop)
    assert np.array_equal(stretch, pad)


def test_colour_for_a_grayscale_model() -> None:
    pixels = noise(64, 64, 3)
    expected = np.asarray(pillow.fromarray(pixels).convert("L"))
    assert np.array_equal(prepare(pixels, rule(64, 64, 1))[0, :, :, 0], expected)
    assert np.array_equal(prepare(pixels, rule(9, 9, 1))[0, :, :, 0], by_pillow(expected, 9, 9)), (
        "converted to grayscale before resizing"
    )


def test_grayscale_for_an_rgb_model() -> None:
    pixels = noise(20, 20)
    expected = by_pillow(pixels, 8, 8)[:, :, None].repeat(3, 2)
    assert np.array_equal(prepare(pixels, rule(8, 8))[0], expected)
    assert np.array_equal(prepare(pixels[:, :, None], rule(8, 8))[0], expected)


def test_transparent_pixels_show_the_background() -> None:
    pixels = noise(64, 64, 4)
    image = pillow.fromarray(pixels)
    expected = pillow.new("RGB", image.size, (10, 200, 30))
    expected.paste(image, mask=image.getchannel("A"))
    found = prepare(pixels, rule(64, 64, background=(10, 200, 30)))
    assert np.array_equal(found[0], np.asarray(expected))
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (prepare(clear, rule(4, 4, 1, background=WHITE)) == 255).all()


def test_16_bits() -> None:
    levels = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    assert prepare(levels, rule(1, 5, 1)).ravel().tolist() == [0, 0, 1, 128, 255]
    other_order = levels.astype(">u2")
    assert prepare(other_order, rule(1, 5, 1)).ravel().tolist() == [0, 0, 1, 128, 255]
    coloured = noise(5, 5, 3).astype(np.uint16) * 257
    assert np.array_equal(prepare(coloured, rule(4, 4)), prepare(noise(5, 5, 3), rule(4, 4)))


def test_memory_layouts() -> None:
    pixels = noise(30, 40, 3)
    for view in (pixels[::-1, ::2], pixels.swapaxes(0, 1), np.asfortranarray(pixels), pixels[:, :, ::-1]):
        assert np.array_equal(prepare(view, rule(9, 9)), prepare(view.copy(), rule(9, 9)))
    pixels.setflags(write=False)
    assert np.array_equal(prepare(pixels, rule(30, 40))[0], pixels)


def test_a_batch_is_prepared_like_its_images() -> None:
    samples = noise(70, 28, 20, 3)
    for fit in ("crop", "stretch", "pad"):
        for height, width, channels in ((32, 32, 3), (7, 5, 1), (28, 20, 3), (90, 3, 3)):
            image_input = rule(height, width, channels, fit)
            found = prepare_batch(samples, image_input)
            assert found.shape == (70, height, width, channels)
            assert np.array_equal(found, np.concatenate([prepare(image, image_input) for image in samples]))
    assert prepare_batch(np.empty((0, 5, 5, 3), np.uint8), rule(4, 6)).shape == (0, 4, 6, 3)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((4, 4, 3), np.nan), r"found float64; if its range is 0 to 1, .*astype\(numpy\.uint8\)"),
        (np.zeros((4, 4, 3), np.float32), "as uint8 .*found float32"),
        (
            np.zeros((4, 4, 3), np.int64),
            r"found int64; if its range is 0 to 255, .*astype\(numpy\.uint8\)",
        ),
        (np.zeros((4, 4, 3), np.uint32), "found uint32"),
        (np.zeros((4, 4), np.bool_), r"found bool; .*\* 255"),
        (np.zeros((4, 4), "U3"), "found <U3"),
        (np.zeros((4, 4), object), "found object"),
        (np.zeros((4, 4), np.complex64), "found complex64"),
        (np.zeros((4, 4, 2), np.uint8), r"with 1 \(grayscale\), 3 .*found \[4, 4, 2\]"),
        (np.zeros((3, 4, 4, 1), np.uint8), r"found \[3, 4, 4, 1\]"),
        (np.zeros((3, 224, 224), np.uint8), r"found \[3, 224, 224\]"),
        (np.zeros(9, np.uint8), r"found \[9\]"),
        (np.zeros((), np.uint8), r"found \[\]"),
        (np.zeros((0, 4, 3), np.uint8), r"at least one pixel, found the shape \[0, 4, 3\]"),
        (np.zeros((4, 0), np.uint8), "at least one pixel"),
        ([[1, 2], [3, 4]], "expected a numpy array of pixels, found list"),
        (None, "found NoneType"),
    ],
)
def test_arrays_that_are_not_images(pixels: Any, message: str) -> None:
    with pytest.raises(ImageError, match=f"^photo 7: .*{message}"):
        prepare(pixels, rule(4, 4), name="photo 7")


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"expected images \[n, height, width, channels\], found the shape"),
        ([1], "expected images .*found list"),
        (np.zeros((2, 4, 4, 3)), "found float64"),
        (np.zeros((2, 4, 4, 2), np.uint8), r"found \[4, 4, 2\]"),
    ],
)
def test_arrays_that_are_not_a_batch(pixels: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare_batch(pixels, rule(4, 4))


def test_preparation_ignores_mean_and_std() -> None:
    image_input = rule(4, 4)
    other = dataclasses.replace(image_input, mean=(9.0,) * 3, std=(2.0,) * 3, normalized_by="runtime")
    assert np.array_equal(prepare(noise(9, 9, 3), image_input), prepare(noise(9, 9, 3), other))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_large_images_are_converted_in_bands(
    monkeypatch: pytest.MonkeyPatch, channels: int, dtype: type[Any]
) -> None:
    image_input = rule(9, 8, channels, "pad", background=(9, 99, 200))
    largest = np.iinfo(dtype).max
    for shape in ((37, 20), (37, 20, 3), (37, 20, 4)):
        pixels = np.random.default_rng(0).integers(0, largest, shape, dtype, endpoint=True)
        monkeypatch.setattr(preparation, "_BAND_PIXELS", 2**18)
        expected = prepare(pixels, image_input)
        monkeypatch.setattr(preparation, "_BAND_PIXELS", 5 * 20)
        assert np.array_equal(prepare(pixels, image_input), expected)
