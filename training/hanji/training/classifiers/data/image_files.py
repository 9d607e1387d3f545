"""Which files of a folder are images, and what is said about the others.

Every folder of images passes through here: training data, calibration and sample images, `hanji data check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from hanji.runtime.images.decoding import SUFFIXES
from hanji.training.errors import DataError
from hanji.training.progress import logger

OUTSIDE = "image outside the class folders"
_HIDDEN_IMAGE = "hidden image (its name begins with a dot)"
_HIDDEN_FOLDER = "hidden folder with images (its name begins with a dot)"
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")
_SHOWN = 5  # broken images
MOST_ENTRIES = 1_000_000
"""Of one directory: a list of a million paths takes 300 MB. A class of ImageNet has 1,300."""

LeftOut = Counter[str]
"""How often something was left out, by reason."""


def is_hidden(path: Path) -> bool:
    """Whether the name begins with a dot, as those of tools and systems do."""
    return path.name.startswith(".")


def entries_of(directory: Path) -> list[Path]:
    """The files and folders in a directory, sorted by name; DataError if it cannot be read."""
    try:
        entries = sorted(islice(directory.iterdir(), MOST_ENTRIES + 1))
        if len(entries) > MOST_ENTRIES:
            raise DataError(
                f"{directory}: expected at most {MOST_ENTRIES:,} files and folders, found more; divide it"
            )
        return entries
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


def images_among(entries: Iterable[Path], left_out: LeftOut) -> Iterator[Path]:
    """The images among the entries of one directory, by their extensions.

    Other files are counted in ``left_out``, as are hidden images and hidden folders with images. Visible
    folders are the caller's.
    """
    for path in entries:
        is_folder, is_image = path.is_dir(), path.suffix.lower() in SUFFIXES
        if is_hidden(path):
            if is_folder and any(all_images(path, Counter())):
                left_out[_HIDDEN_FOLDER] += 1
            elif is_image and not is_folder:
                left_out[_HIDDEN_IMAGE] += 1
        elif is_image and not is_folder:
            yield path
        elif not is_folder and path.name.lower() not in _SYSTEM_FILES:
            left_out[f"{path.suffix.lower() or 'no extension'}, not an image format that is read"] += 1


def all_images(directory: Path, left_out: LeftOut) -> Iterator[Path]:
    """Every image in a directory and all its sub-directories, in unspecified order; see ``images_among``."""
    pending, seen = [directory], set()
    while pending:
        folder = pending.pop()
        if folder.resolve() in seen:  # symbolic links may form a cycle
            continue
        seen.add(folder.resolve())
        entries = entries_of(folder)
        pending += [path for path in entries if path.is_dir() and not is_hidden(path)]
        yield from images_among(entries, left_out)


def left_out_texts(left_out: LeftOut) -> tuple[str, ...]:
    """One text per reason, the most frequent first."""
    return tuple(f"{count:,} × {reason}" for reason, count in left_out.most_common())


def warn_of_left_out(where: str, left_out: Sequence[str], broken: Sequence[str]) -> None:
    """Log what was left out: ``left_out`` as texts, ``broken`` as one report per unreadable image."""
    for text in left_out:
        logger.warning(f"{where}: left out: {text}")
    for report in broken[:_SHOWN]:
        logger.warning(f"{where}: left out, broken: {report}")
    if len(broken) > _SHOWN:
        logger.warning(f"{where}: left out, broken: {len(broken) - _SHOWN:,} more images")


__all__ = [
    "OUTSIDE",
    "LeftOut",
    "all_images",
    "entries_of",
    "images_among",
    "is_hidden",
    "left_out_texts",
    "warn_of_left_out",
]
