"""Folders of images."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hanji.runtime.images.decoding import SUFFIXES, decode
from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images, load_unlabelled
from hanji.training.classifiers.data.labelled import UNLABELLED
from hanji.training.classifiers.data.overview import overview_lines
from hanji.training.classifiers.data.preparing import image_input_of_size
from hanji.training.errors import DataError

from .conftest import CLASSES, EACH, write_image


def load(directory: Path, **settings: Any) -> ImageDataset:
    sizes = {"height": 8, "width": 8} | settings
    return load_images(ImageDataConfig(name="plants", format="folder", **sizes), directory, seed=2)


def error_of(directory: Path, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(directory, **settings)
    return str(caught.value)


def divide(folder: Path, *parts: str) -> None:
    """Move the classes into `train/` and add two images per class to each other part."""
    (folder / "train").mkdir()
    for label, name in enumerate(CLASSES):
        (folder / name).rename(folder / "train" / name)
        for part in parts:
            for number in (1, 2):
                write_image(folder / part / name / f"{number}.jpg", level=80 * label + 70)


def test_folder(folder: Path) -> None:
    dataset = load(folder)
    assert dataset.labels == CLASSES
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (21, 3, 6)
    assert dataset.train.images.shape == (21, 8, 8, 3)
    assert dataset.broken_images == dataset.left_out == ()
    levels = [part.images[:, 0, 0, 0] for part in (dataset.train, dataset.validation, dataset.test)]
    assert sorted(np.concatenate(levels).tolist()) == [
        80 * label + number for label in range(3) for number in range(EACH)
    ]
    assert (dataset.train.labels == levels[0] // 80).all()


def test_grey(folder: Path) -> None:
    assert load(folder, colour="grey").channels == 1


def test_images_are_prepared_as_on_the_device(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name in CLASSES:
        for path in (folder / name).iterdir():
            Image.fromarray(rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)).save(path)
    dataset = load(folder, fit="pad", height=9, width=7)
    padded = image_input_of_size(9, 7, 3, "pad")
    expected = {prepare(decode(path), padded)[0].tobytes() for path in folder.glob("*/*.png")}
    assert {image.tobytes() for image in dataset.train.images} < expected


def test_train_and_test_folders(folder: Path) -> None:
    divide(folder, "test")
    dataset = load(folder)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (27, 3, 6)
    assert (dataset.test.images[:, 0, 0, 0] % 80 == 70).all()


def test_val_is_the_test_set_without_a_test_folder(folder: Path) -> None:
    divide(folder, "val")
    dataset = load(folder)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (27, 3, 6)
    assert (dataset.test.images[:, 0, 0, 0] % 80 == 70).all()


@pytest.mark.parametrize("name", ["val", "validation"])
def test_validation_and_test_folders(folder: Path, name: str) -> None:
    divide(folder, "test", name)
    dataset = load(folder)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (30, 6, 6)


def test_class_called_train(folder: Path) -> None:
    (folder / "root").rename(folder / "train")
    assert load(folder).labels == ("bark", "leaf", "train")


def test_all_spellings_of_extensions(folder: Path) -> None:
    for extension in ("JPG", "jpeg", "Jpeg", "PNG"):
        write_image(folder / "bark" / f"more.{extension}")
    dataset = load(folder)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 34


@pytest.mark.parametrize("extension", [suffix for suffix in SUFFIXES if suffix not in (".jfif", ".jpe")])
def test_every_format_that_a_device_reads_is_training_data(folder: Path, extension: str) -> None:
    write_image(folder / "bark" / f"more{extension}", mode="1" if extension == ".pbm" else "RGB")
    dataset = load(folder)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 31
    assert dataset.broken_images == dataset.left_out == ()
    assert len(load_unlabelled(folder, IMAGE, None)) == 31


def test_hidden_files_and_folders_are_ignored(folder: Path) -> None:
    (folder / "bark" / "Thumbs.db").write_bytes(b"not an image")
    (folder / "bark" / ".DS_Store").write_bytes(b"not an image")
    (folder / ".cache").mkdir()
    dataset = load(folder)
    assert dataset.labels == CLASSES
    assert dataset.broken_images == dataset.left_out == ()


def test_hidden_images_are_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_image(folder / "bark" / ".hidden.png")
    write_image(folder / ".bark" / "1.png")
    write_image(folder / "leaf" / ".checkpoints" / "1.png")
    dataset = load(folder)
    assert dataset.labels == CLASSES
    assert dataset.left_out == (
        "2 × hidden folder with images (its name begins with a dot)",
        "1 × hidden image (its name begins with a dot)",
    )
    caplog.clear()
    assert len(load_unlabelled(folder, IMAGE, None)) == 30
    assert [record.getMessage().removeprefix(f"{folder}: left out: ") for record in caplog.records] == list(
        dataset.left_out
    )


def test_what_is_left_out_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "leaf" / "photo.heic").write_bytes(b"")
    (folder / "leaf" / "00.png").write_bytes(b"broken")
    load(folder, broken_limit=0.1)
    assert f"{folder}: left out: 1 × .heic, not an image format that is read" in caplog.text
    assert f"{folder}: left out, broken: leaf/00.png: " in caplog.text


def test_images_beside_the_parts_are_counted(folder: Path) -> None:
    divide(folder, "test")
    write_image(folder / "unassigned.png")
    write_image(folder / "train" / "unassigned.png")
    assert load(folder).left_out == ("2 × image outside the class folders",)


def test_a_folder_without_images_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "photo.heic").write_bytes(b"")
    with pytest.raises(DataError, match=r"\.webp.*found 1 × \.heic, not an image format that is read"):
        load_unlabelled(tmp_path, IMAGE, None)


def test_other_files_are_counted(folder: Path) -> None:
    for name in ("a.txt", "b.TXT", "README"):
        (folder / "leaf" / name).write_text("not an image")
    write_image(folder / "unassigned.png")
    assert load(folder).left_out == (
        "2 × .txt, not an image format that is read",
        "1 × no extension, not an image format that is read",
        "1 × image outside the class folders",
    )


def test_decomposed_names_are_normalized(folder: Path) -> None:
    name = "한지"
    (folder / "root").rename(folder / unicodedata.normalize("NFD", name))
    assert load(folder).labels == ("bark", "leaf", name)


def test_the_same_folder_gives_the_same_dataset(folder: Path) -> None:
    first, second = load(folder), load(folder)
    for part in ("train", "validation", "test"):
        assert (getattr(first, part).images == getattr(second, part).images).all()


def test_broken_images_are_reported_and_left_out(folder: Path) -> None:
    good = (folder / "leaf" / "01.png").read_bytes()
    (folder / "leaf" / "00.png").write_bytes(b"")
    (folder / "leaf" / "01.png").write_bytes(good[: len(good) // 2])
    (folder / "root" / "05.png").write_bytes(b"<html>not found</html>")
    dataset = load(folder, broken_limit=0.1)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 27
    assert sorted(report.split(":")[0] for report in dataset.broken_images) == [
        "leaf/00.png",
        "leaf/01.png",
        "root/05.png",
    ]
    assert "broken images, left out: 3" in "\n".join(overview_lines(dataset))
    message = error_of(folder, broken_limit=0.09)
    assert "expected at most 9.0% of 30 images to be unreadable, found 3 so far" in message
    assert "broken_limit" in message


def test_broken_images_do_not_change_the_split_of_the_others(folder: Path) -> None:
    intact = load(folder)
    (folder / "bark" / "03.png").write_bytes(b"broken")
    damaged = load(folder, broken_limit=0.1)
    for part in ("train", "validation", "test"):
        levels = set(getattr(intact, part).images[:, 0, 0, 0].tolist())
        assert levels - {3} == set(getattr(damaged, part).images[:, 0, 0, 0].tolist())


def test_class_without_a_readable_image(folder: Path) -> None:
    for path in (folder / "leaf").iterdir():
        path.write_bytes(b"broken")
    assert "training images: expected images of every class, found none of leaf" in error_of(
        folder, broken_limit=0.9
    )


def test_no_sub_folders(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    assert "expected one sub-folder per class with its images, found no sub-folder" in error_of(tmp_path)
    assert "found none" in error_of(tmp_path / "missing")
    assert "found a file" in error_of(tmp_path / "a.png")


def test_empty_class(folder: Path) -> None:
    (folder / "stem").mkdir()
    assert f"{folder}: expected images of every class, found none of stem" in error_of(folder)


def test_one_class(folder: Path) -> None:
    for name in CLASSES[1:]:
        (folder / name).rename(folder.parent / f"{folder.name}-{name}")
    assert "expected at least two classes, found bark" in error_of(folder)


def test_folders_in_a_class(folder: Path) -> None:
    (folder / "bark" / "oak").mkdir()
    assert "expected images of the class 'bark', found the folder 'oak'" in error_of(folder)


def test_class_of_the_test_set_that_training_lacks(folder: Path) -> None:
    divide(folder, "test")
    write_image(folder / "test" / "stem" / "1.png")
    assert "found 'stem' as well" in error_of(folder)


def test_class_of_the_training_set_that_the_test_set_lacks(folder: Path) -> None:
    divide(folder, "test")
    for path in (folder / "test" / "leaf").iterdir():
        path.unlink()
    assert f"{folder / 'test'}: expected images of every class, found none of leaf" in error_of(folder)


def test_two_validation_folders(folder: Path) -> None:
    divide(folder, "val", "validation")
    assert "expected one of val and validation, found both" in error_of(folder)


def test_undecodable_file_names(folder: Path) -> None:
    (folder / "bark" / "\udcff.png").write_bytes(b"broken")
    (report,) = load(folder, broken_limit=0.1).broken_images
    assert report.startswith("bark/?.png: ")


def test_unknown_folders_next_to_train(folder: Path) -> None:
    divide(folder)
    write_image(folder / "extra" / "1.png")
    assert "found extra" in error_of(folder)


def test_unprintable_class_name(folder: Path) -> None:
    (folder / "root").rename(folder / "ro\not")
    assert "expected printable class names, found the sub-folder" in error_of(folder)


def test_more_images_than_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: 64)
    assert "lower data.height and data.width" in error_of(folder)


IMAGE = ImageInput(
    height=6, width=6, channels=1, fit="crop", mean=(0.0,), std=(1.0,), normalized_by="runtime"
)


def test_load_unlabelled_reads_all_sub_folders(folder: Path) -> None:
    write_image(folder / "bark" / "deep" / "er.jpg")
    write_image(folder / "top.png")
    samples = load_unlabelled(folder, IMAGE, None)
    assert samples.images.shape == (32, 6, 6, 1)
    assert (samples.labels == UNLABELLED).all()


def test_load_unlabelled_samples_each_folder(folder: Path) -> None:
    samples = load_unlabelled(folder, IMAGE, 6)
    assert (samples.images[:, 0, 0, 0] // 80).tolist() == [0, 0, 1, 1, 2, 2]
    assert len(load_unlabelled(folder, IMAGE, 99)) == 30


def test_load_unlabelled_follows_a_link_once(folder: Path) -> None:
    (folder / "bark" / "again").symlink_to(folder)
    assert len(load_unlabelled(folder, IMAGE, None)) == 30


def test_load_unlabelled_of_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected images"):
        load_unlabelled(tmp_path, IMAGE, None)


def test_load_unlabelled_reports_broken_images(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        for name in CLASSES:
            for count in range(10):
                write_image(folder / name / f"{number}{count}-more.png")
    (folder / "leaf" / "05.png").write_bytes(b"broken")
    assert len(load_unlabelled(folder, IMAGE, None)) == 149
    assert f"{folder}: left out, broken: leaf/05.png" in caplog.text
    (folder / "leaf" / "06.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"at most 1\.0% of 150 images"):
        load_unlabelled(folder, IMAGE, None)
