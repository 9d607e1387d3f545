"""What a folder of pictures holds, by the names of its folders and files alone."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hanji.training.errors import DataError

_ENDINGS = (".png", ".jpg", ".jpeg")
_VALIDATION = ("val", "validation")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of one part, `files` by class in the order of the labels, each class sorted by name."""

    directory: Path
    labels: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]
    others: tuple[Path, ...]
    """Files of the classes that are no pictures."""

    astray: tuple[Path, ...]
    """Pictures beside the folders of the classes, which belong to none."""

    def __len__(self) -> int:
        return sum(len(files) for files in self.files)


@dataclass(frozen=True)
class Listing:
    """The parts of a folder; None where it has none of its own."""

    labels: tuple[str, ...]
    train: ClassFolders
    validation: ClassFolders | None
    test: ClassFolders | None

    @property
    def parts(self) -> dict[str, ClassFolders]:
        """Those there are, by name."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def total(self) -> int:
        """Pictures in all."""
        return sum(map(len, self.parts.values()))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Files that are no PNG or JPEG, counted by the ending of their names, and pictures of no class."""
        kinds = Counter(path.suffix.lower() for part in self.parts.values() for path in part.others)
        astray = sum(len(part.astray) for part in self.parts.values())
        return tuple(
            f"{count:,} × {ending or 'no ending'}, neither PNG nor JPEG"
            for ending, count in kinds.most_common()
        ) + ((f"{astray:,} × picture beside the folders of the classes",) if astray else ())


def is_image(path: Path) -> bool:
    """Whether a file is called as PNG and JPEG pictures are and is not hidden."""
    return path.suffix.lower() in _ENDINGS and not path.name.startswith(".")


def list_folder(directory: Path) -> Listing:
    """The pictures of every class and part; DataError if the folder is laid out in another way."""
    folders = {path.name: path for path in _sub_folders(directory)}
    if not folders:
        raise DataError(
            f"{directory}: expected one sub-folder a class with its pictures, found no sub-folder"
        )
    if not _holds_folders(folders.get("train")):
        train = _class_folders(directory)
        return Listing(train.labels, train, None, None)
    known = ("train", "test", *_VALIDATION)
    if strange := sorted(name for name in folders if name not in known):
        raise DataError(
            f"{directory}: expected no more than {', '.join(known)} beside each other, found {strange[0]}; "
            "the classes belong below them"
        )
    if all(name in folders for name in _VALIDATION):
        raise DataError(f"{directory}: expected one of {' and '.join(_VALIDATION)}, found both; keep one")
    parts = {name: _class_folders(path) for name, path in folders.items()}
    train, test = parts["train"], parts.get("test")
    validation = parts.get("val", parts.get("validation"))
    if test is None:
        validation, test = None, validation
    return Listing(train.labels, train, _like(train, validation), _like(train, test))


def _sub_folders(directory: Path) -> list[Path]:
    return [path for path in _entries(directory) if path.is_dir()]


def _entries(directory: Path) -> list[Path]:
    """What a directory holds and is not hidden, sorted by name."""
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        raise DataError(
            f"{directory}: expected a folder of pictures, found none; check the path given as --data"
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{directory}: expected a folder of pictures, found a file; give the folder with the classes"
        ) from None
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {error.strerror}; check its permissions") from None


def _holds_folders(directory: Path | None) -> bool:
    """Whether the classes are below it; a class may itself be called `train`."""
    return directory is not None and bool(_sub_folders(directory))


def _class_folders(directory: Path) -> ClassFolders:
    # macOS decomposes the letters of a file's name; devices and people want them whole.
    named = sorted((unicodedata.normalize("NFC", path.name), path) for path in _sub_folders(directory))
    labels = tuple(name for name, _ in named)
    _check_names(labels, directory)
    entries = [_files(path) for _, path in named]
    return ClassFolders(
        directory=directory,
        labels=labels,
        files=tuple(tuple(filter(is_image, files)) for files in entries),
        others=tuple(path for files in entries for path in files if _is_other(path)),
        astray=tuple(path for path in _entries(directory) if is_image(path) and not path.is_dir()),
    )


def _check_names(labels: tuple[str, ...], directory: Path) -> None:
    for label in labels:
        if not label.isprintable():
            raise DataError(
                f"{directory}: expected class names that people can read, found the sub-folder {label!r}; "
                "rename it"
            )
    if len(set(labels)) < len(labels):
        raise DataError(f"{directory}: expected different class names, found two that are spelled alike")


def _files(directory: Path) -> list[Path]:
    entries = _entries(directory)
    if deeper := [path for path in entries if path.is_dir()]:
        raise DataError(
            f"{directory}: expected pictures of the class {directory.name!r}, found the folder "
            f"{deeper[0].name!r}; a class holds pictures only, and test or val need "
            "a train beside them"
        )
    return entries


def _is_other(path: Path) -> bool:
    return not is_image(path) and path.name.lower() not in _SYSTEM_FILES


def _like(train: ClassFolders, part: ClassFolders | None) -> ClassFolders | None:
    """`part` with the classes of `train`; DataError if it has one that `train` has not."""
    if part is None:
        return None
    if strange := [label for label in part.labels if label not in train.labels]:
        raise DataError(
            f"{part.directory}: expected the classes of {train.directory}, found {strange[0]!r} as well"
        )
    files = dict(zip(part.labels, part.files, strict=True))
    return replace(part, labels=train.labels, files=tuple(files.get(label, ()) for label in train.labels))


def name_within(path: Path, directory: Path) -> str:
    """A picture's path in `directory`, as it can be printed whatever the bytes of its name."""
    return path.relative_to(directory).as_posix().encode(errors="replace").decode()


def all_images(directory: Path) -> Iterator[Path]:
    """Every picture in a directory and below it, however deep, in no order that matters."""
    waiting, seen = [directory], set()
    while waiting:
        folder = waiting.pop()
        if folder.resolve() in seen:  # a link may lead back
            continue
        seen.add(folder.resolve())
        for path in _entries(folder):
            if path.is_dir():
                waiting.append(path)
            elif is_image(path):
                yield path
