"""The layout of an image folder, from the names of its folders and files."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from hanji.training.classifiers.data.image_files import (
    OUTSIDE,
    LeftOut,
    entries_of,
    images_among,
    is_hidden,
    left_out_texts,
)
from hanji.training.errors import DataError

_VALIDATION = ("val", "validation")


@dataclass(frozen=True)
class ClassFolders:
    """The images of one part: `files` per class in the order of the labels, each class sorted by name."""

    directory: Path
    labels: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]
    left_out: LeftOut
    """What else is in the class folders and beside them."""

    def __len__(self) -> int:
        return sum(len(files) for files in self.files)


@dataclass(frozen=True)
class Listing:
    """The parts of a folder; None for a part that it does not have."""

    labels: tuple[str, ...]
    train: ClassFolders
    validation: ClassFolders | None
    test: ClassFolders | None
    beside: LeftOut
    """Images beside the folders of the parts."""

    @property
    def parts(self) -> dict[str, ClassFolders]:
        """The existing parts, by name."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def total(self) -> int:
        """Number of images in all parts."""
        return sum(map(len, self.parts.values()))

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not among the images, one text for each reason."""
        return left_out_texts(sum((part.left_out for part in self.parts.values()), Counter(self.beside)))


def list_folder(directory: Path) -> Listing:
    """List the images of every class and part; DataError for another folder layout."""
    folders = {path.name: path for path in _sub_folders(directory)}
    if not folders:
        raise DataError(
            f"{directory}: expected one sub-folder per class with its images, found no sub-folder"
        )
    if not _has_folders(folders.get("train")):
        train = _class_folders(directory)
        return Listing(train.labels, train, None, None, Counter())
    known = ("train", "test", *_VALIDATION)
    if unknown := sorted(name for name in folders if name not in known):
        raise DataError(
            f"{directory}: expected only the folders {', '.join(known)}, found {unknown[0]}; put the class "
            "folders inside them"
        )
    if all(name in folders for name in _VALIDATION):
        raise DataError(f"{directory}: expected one of {' and '.join(_VALIDATION)}, found both; keep one")
    parts = {name: _class_folders(path) for name, path in folders.items()}
    train, test = parts["train"], parts.get("test")
    validation = parts.get("val", parts.get("validation"))
    if test is None:
        validation, test = None, validation
    validation, test = (_with_classes_of(train, part) for part in (validation, test))
    return Listing(train.labels, train, validation, test, _outside(directory))


def _sub_folders(directory: Path) -> list[Path]:
    return [path for path in entries_of(directory) if path.is_dir() and not is_hidden(path)]


def _has_folders(directory: Path | None) -> bool:
    """Whether the directory has sub-folders; without any, `train` is the name of a class."""
    return directory is not None and bool(_sub_folders(directory))


def _class_folders(directory: Path) -> ClassFolders:
    # macOS may report file names in NFD; class names are displayed and compared in NFC.
    named = sorted((unicodedata.normalize("NFC", path.name), path) for path in _sub_folders(directory))
    labels = tuple(name for name, _ in named)
    _check_names(labels, directory)
    left_out: LeftOut = Counter()
    files = tuple(tuple(images_among(_class_entries(path), left_out)) for _, path in named)
    left_out.update(_outside(directory))
    return ClassFolders(directory, labels, files, left_out)


def _outside(directory: Path) -> LeftOut:
    """The images directly in a directory whose images should be in its sub-folders."""
    found: LeftOut = Counter()
    images = sum(1 for _ in images_among(entries_of(directory), found))
    hidden = {reason: count for reason, count in found.items() if "hidden" in reason}
    return Counter({OUTSIDE: images} if images else {}) + Counter(hidden)


def _check_names(labels: tuple[str, ...], directory: Path) -> None:
    for label in labels:
        if not label.isprintable():
            raise DataError(
                f"{directory}: expected printable class names, found the sub-folder {label!r}; rename it"
            )
    if len(set(labels)) < len(labels):
        raise DataError(
            f"{directory}: expected distinct class names, found two that are equal in Unicode NFC; rename one"
        )


def _class_entries(directory: Path) -> list[Path]:
    entries = entries_of(directory)
    if nested := [path for path in entries if path.is_dir() and not is_hidden(path)]:
        raise DataError(
            f"{directory}: expected images of the class {directory.name!r}, found the folder "
            f"{nested[0].name!r}; a class folder must contain only images, and test or val require a train "
            "folder next to them"
        )
    return entries


def _with_classes_of(train: ClassFolders, part: ClassFolders | None) -> ClassFolders | None:
    """`part` with the classes of `train`; DataError if it has a class that `train` lacks."""
    if part is None:
        return None
    if unknown := [label for label in part.labels if label not in train.labels]:
        raise DataError(
            f"{part.directory}: expected only classes of {train.directory}, found {unknown[0]!r} as well"
        )
    files = dict(zip(part.labels, part.files, strict=True))
    return replace(part, labels=train.labels, files=tuple(files.get(label, ()) for label in train.labels))


def name_within(path: Path, directory: Path) -> str:
    """The path of an image relative to `directory`, with undecodable bytes replaced."""
    return path.relative_to(directory).as_posix().encode(errors="replace").decode()
