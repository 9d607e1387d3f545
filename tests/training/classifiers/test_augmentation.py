"""Augmentation and class weights."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.classifiers.augmentation import Augmentation, augment, class_weights


def numbered(count: int = 200, height: int = 7, width: int = 9, channels: int = 2) -> np.ndarray:
    """Images whose nonzero pixel values encode their positions."""
    image = 1 + np.arange(height * width * channels, dtype=np.uint8).reshape(height, width, channels)
    return np.tile(image, (count, 1, 1, 1))


def augmented(config: Augmentation, images: np.ndarray, seed: int = 0) -> np.ndarray:
    before = images.copy()
    result = augment(images, config, np.random.default_rng(seed))
    assert (images == before).all()
    assert result.dtype == np.uint8
    assert result.shape == images.shape
    return result


ALL = Augmentation(shift=2, flip=True, cutout=3, contrast=0.3, brightness=0.1)


def test_no_augmentation_by_default() -> None:
    assert (augmented(Augmentation(), numbered()) == numbered()).all()


def test_same_seed_same_images() -> None:
    assert (augmented(ALL, numbered(), 4) == augmented(ALL, numbered(), 4)).all()
    assert (augmented(ALL, numbered(), 4) != augmented(ALL, numbered(), 5)).any()


def test_an_empty_batch() -> None:
    assert augmented(ALL, numbered(0)).shape == (0, 7, 9, 2)


def test_flip_mirrors_about_half() -> None:
    images = numbered()
    result = augmented(Augmentation(flip=True), images)
    mirrored = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((result == images).all(axis=(1, 2, 3)) ^ mirrored).all()
    assert 70 < mirrored.sum() < 130


def test_shift_moves_by_at_most_its_value_in_both_directions() -> None:
    images = numbered(600)
    padded = np.pad(images[0], ((2, 2), (2, 2), (0, 0)))
    possible = {
        padded[down : down + 7, right : right + 9].tobytes(): (down, right)
        for down in range(5)
        for right in range(5)
    }
    found = {possible[image.tobytes()] for image in augmented(Augmentation(shift=2), images)}
    assert len(found) == 25


def test_cutout_blanks_a_square() -> None:
    images = numbered(600)
    result = augmented(Augmentation(cutout=3), images)
    black = (result == 0).all(axis=3)
    assert (result[~black] == images[~black]).all()
    rows, columns = black.any(axis=2).sum(axis=1), black.any(axis=1).sum(axis=1)
    assert (black.sum(axis=(1, 2)) == rows * columns).all()
    assert set(rows) == set(columns) == {2, 3}  # at the edge, part of the square is outside
    assert black.any(axis=0).all()


def test_brightness_shifts_all_pixels_equally() -> None:
    images = np.full((400, 4, 4, 3), 128, np.uint8)
    images[:, 0] = 100
    result = augmented(Augmentation(brightness=0.1), images).astype(int) - images
    offsets = result[:, 0, 0, 0]
    assert (result == offsets[:, None, None, None]).all()
    assert offsets.min() < -20
    assert offsets.max() > 20
    assert abs(offsets).max() <= 26


def test_contrast_keeps_the_mean() -> None:
    images = np.full((400, 4, 4, 1), 120, np.uint8)
    images[:, ::2] = 80
    result = augmented(Augmentation(contrast=0.5), images).astype(int)
    difference = result[:, 1, 0, 0] - result[:, 0, 0, 0]
    assert (abs(result.mean(axis=(1, 2, 3)) - 100) <= 0.5).all()
    assert 20 <= difference.min() < 25
    assert 55 < difference.max() <= 60


def test_values_stay_between_0_and_255() -> None:
    images = np.zeros((300, 4, 4, 1), np.uint8)
    images[:, :2] = 255
    result = augmented(Augmentation(contrast=0.9, brightness=0.9), images)
    assert (result[:, :2] >= result[:, 2:]).all()


@pytest.mark.parametrize(
    ("field", "value"), [("shift", -1), ("cutout", -1), ("contrast", 1.0), ("brightness", -0.1)]
)
def test_values_out_of_range(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected"):
        Augmentation(**{field: value})  # type: ignore[arg-type]


def test_shift_larger_than_the_images() -> None:
    message = r"fewer pixels than the shorter side of the images \(7\), found 7 and 0"
    with pytest.raises(ValueError, match=message):
        augmented(Augmentation(shift=7), numbered())


def test_class_weights() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2], dtype=np.int32)
    for power in (0.0, 0.5, 1.0):
        weights = class_weights(labels, 3, power)
        assert weights.dtype == np.float32
        assert weights[labels].mean() == pytest.approx(1.0)
        assert weights[1] / weights[0] == pytest.approx(2.0**power)
        assert weights[2] / weights[0] == pytest.approx(6.0**power)


def test_class_weights_of_equal_classes_are_exactly_1() -> None:
    assert class_weights(np.arange(40, dtype=np.int32) % 4, 4, 0.5).tolist() == [1.0] * 4


def test_class_weights_need_every_class() -> None:
    with pytest.raises(ValueError, match=r"labels of each of 3 classes, found counts \[1, 1, 0\]"):
        class_weights(np.array([0, 1], dtype=np.int32), 3, 1.0)
    with pytest.raises(ValueError, match="labels of each of 2 classes"):
        class_weights(np.array([0, 1, 2], dtype=np.int32), 2, 1.0)
