"""The layout of an image folder, from the names of its folders and files."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hanji.training.errors import DataError

_EXTENSIONS = (".png", ".jpg", ".jpeg")
_VALIDATION = ("val", "validation")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class ClassFolders:
    """The images of one part: `files` per class in the order of the labels, each class sorted by name."""

    directory: Path
    labels: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]
    others: tuple[Path, ...]
    """Files in the class folders that are not images."""

    unassigned: tuple[Path, ...]
    """Images outside the class folders, which belong to no class."""

    def __len__(self) -> int:
        return sum(len(files) for files in self.files)


@dataclass(frozen=True)
class Listing:
    """The parts of a folder; None for a part that it does not have."""

    labels: tuple[str, ...]
    train: ClassFolders
    validation: ClassFolders | None
    test: ClassFolders | None

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
        """Files that are neither PNG nor JPEG, counted by extension, and the number of images of no class."""
        counts = Counter(path.suffix.lower() for part in self.parts.values() for path in part.others)
        unassigned = sum(len(part.unassigned) for part in self.parts.values())
        return tuple(
            f"{count:,} × {extension or 'no extension'}, neither PNG nor JPEG"
            for extension, count in counts.most_common()
        ) + ((f"{unassigned:,} × image outside the class folders",) if unassigned else ())


def is_image(path: Path) -> bool:
    """Whether a file has the extension of a PNG or JPEG image and is not hidden."""
    return path.suffix.lower() in _EXTENSIONS and not path.name.startswith(".")


def list_folder(directory: Path) -> Listing:
    """List the images of every class and part; DataError for another folder layout."""
    folders = {path.name: path for path in _sub_folders(directory)}
    if not folders:
        raise DataError(
            f"{directory}: expected one sub-folder per class with its images, found no sub-folder"
        )
    if not _has_folders(folders.get("train")):
        train = _class_folders(directory)
        return Listing(train.labels, train, None, None)
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
    return Listing(train.labels, train, _with_classes_of(train, validation), _with_classes_of(train, test))


def _sub_folders(directory: Path) -> list[Path]:
    return [path for path in _entries(directory) if path.is_dir()]


def _entries(directory: Path) -> list[Path]:
    """The entries of a directory that are not hidden, sorted by name."""
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        raise DataError(
            f"{directory}: expected a folder of images, found none; check the path given as --data"
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{directory}: expected a folder of images, found a file; give the folder with the classes"
        ) from None
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {error.strerror}; check its permissions") from None


def _has_folders(directory: Path | None) -> bool:
    """Whether the directory has sub-folders; without any, `train` is the name of a class."""
    return directory is not None and bool(_sub_folders(directory))


def _class_folders(directory: Path) -> ClassFolders:
    # macOS may report file names in NFD; class names are displayed and compared in NFC.
    named = sorted((unicodedata.normalize("NFC", path.name), path) for path in _sub_folders(directory))
    labels = tuple(name for name, _ in named)
    _check_names(labels, directory)
    entries = [_files(path) for _, path in named]
    return ClassFolders(
        directory=directory,
        labels=labels,
        files=tuple(tuple(filter(is_image, files)) for files in entries),
        others=tuple(path for files in entries for path in files if _is_other(path)),
        unassigned=tuple(path for path in _entries(directory) if is_image(path) and not path.is_dir()),
    )


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


def _files(directory: Path) -> list[Path]:
    entries = _entries(directory)
    if nested := [path for path in entries if path.is_dir()]:
        raise DataError(
            f"{directory}: expected images of the class {directory.name!r}, found the folder "
            f"{nested[0].name!r}; a class folder must contain only images, and test or val require a train "
            "folder next to them"
        )
    return entries


def _is_other(path: Path) -> bool:
    return not is_image(path) and path.name.lower() not in _SYSTEM_FILES


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


def all_images(directory: Path) -> Iterator[Path]:
    """Every image in a directory and all its sub-directories, in unspecified order."""
    pending, seen = [directory], set()
    while pending:
        folder = pending.pop()
        if folder.resolve() in seen:  # symbolic links may form a cycle
            continue
        seen.add(folder.resolve())
        for path in _entries(folder):
            if path.is_dir():
                pending.append(path)
            elif is_image(path):
                yield path
