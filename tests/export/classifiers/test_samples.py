"""The sample images written next to the bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hanji.export.classifiers.samples import write_samples
from hanji.training.classifiers.data import LabelledImages


def test_samples_are_named_after_their_labels_and_lossless(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    samples = LabelledImages(images, np.array([1, 0, 2, 3, 2, 1], np.int32))
    write_samples(samples, ["Ankle boot", "T-shirt/top", "장미", "d"], tmp_path / "samples")
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        "Ankle-boot.png",
        "d.png",
        "장미.png",
    ]
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "samples" / "장미.png")), images[2])


def test_greyscale_images_are_written_as_greyscale_files(tmp_path: Path) -> None:
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    write_samples(LabelledImages(images, np.array([0, 1], np.int32)), ["a", "b"], tmp_path / "samples")
    with Image.open(tmp_path / "samples" / "b.png") as found:
        assert found.mode == "L"
        np.testing.assert_array_equal(np.array(found), images[1, :, :, 0])
