"""Statistics of an image folder before an input size is chosen: classes, sizes, broken images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hanji.runtime.errors import ImageError
from hanji.runtime.images.decoding import decode
from hanji.training.classifiers.data.listing import ClassFolders, Listing, list_folder, name_within
from hanji.training.classifiers.data.overview import (
    broken_lines,
    class_lines,
    imbalance,
    left_out_lines,
    part_title,
)
from hanji.training.progress import ProgressTask, progress

_SIZES = 5


@dataclass(frozen=True)
class Survey:
    """Counts over all images of a folder; each was fully decoded."""

    directory: Path
    labels: tuple[str, ...]
    counts: dict[str, list[int]]
    """Readable images of each class, by part ("train", "validation", "test"; "pictures" if undivided)."""

    sizes: Counter[tuple[int, int]]
    """Number of images by (height, width)."""

    channels: Counter[int]
    """Number of images that are grey (1), RGB (3) or RGB with transparency (4)."""

    broken: list[str]
    left_out: tuple[str, ...]

    def table(self) -> dict[str, Any]:
        """The statistics as a JSON-ready table."""
        sides = np.array(list(self.sizes.elements())).reshape(-1, 2)
        return {
            "directory": str(self.directory),
            "format": "folder",
            "pictures": {part: sum(counts) for part, counts in self.counts.items()},
            "classes": [
                {"label": label, **{part: counts[index] for part, counts in self.counts.items()}}
                for index, label in enumerate(self.labels)
            ],
            "imbalance": imbalance(np.array(next(iter(self.counts.values())))),
            "sizes": [
                {"height": height, "width": width, "pictures": count}
                for (height, width), count in self.sizes.most_common(_SIZES)
            ],
            "different_sizes": len(self.sizes),
            "smallest": sides.min(axis=0).tolist() if len(sides) else None,
            "median": np.median(sides, axis=0).astype(int).tolist() if len(sides) else None,
            "largest": sides.max(axis=0).tolist() if len(sides) else None,
            "colours": {_COLOURS[channels]: count for channels, count in sorted(self.channels.items())},
            "broken": self.broken,
            "left_out": list(self.left_out),
        }

    def lines(self) -> list[str]:
        """The statistics as lines of text."""
        table = self.table()
        counts = ", ".join(f"{count:,} {part_title(part)}" for part, count in table["pictures"].items())
        sizes = [f"{entry['pictures']:>7,}  {entry['height']}×{entry['width']}" for entry in table["sizes"]]
        more = len(self.sizes) - len(sizes)
        quality = self._missing() + left_out_lines(table["left_out"]) + broken_lines(self.broken)
        return [
            f"{self.directory} (format folder)",
            f"  images    {counts}",
            f"  colours   {', '.join(f'{count:,} {colour}' for colour, count in table['colours'].items())}",
            f"  sizes     {_size_range(table)}",
            *(f"    {line}" for line in sizes),
            *([f"    and {more:,} more sizes"] if more else []),
            f"  classes   {len(self.labels)}, the largest {table['imbalance']:.3g} times the smallest",
            *class_lines(table["classes"]),
            "  quality",
            *(f"    {line}" for line in quality or ["nothing to report"]),
        ]

    def _missing(self) -> list[str]:
        """Reasons why training on the folder would fail."""
        few = ["only one class: at least two are needed"] if len(self.labels) < 2 else []
        return few + [
            f"class without a readable image in {part_title(part)}: {label}"
            for part, counts in self.counts.items()
            for label, count in zip(self.labels, counts, strict=True)
            if not count
        ]


_COLOURS = {1: "grey", 3: "RGB", 4: "RGB with transparency"}


def survey_folder(directory: Path) -> Survey:
    """Decode every image of a folder with one sub-folder per class, however many are broken.

    Raises DataError for another folder layout.
    """
    listing = list_folder(directory)
    survey = Survey(directory, listing.labels, {}, Counter(), Counter(), [], listing.left_out)
    with progress("Reading images") as task:
        task.expect(listing.total)
        for name, part in _parts(listing).items():
            survey.counts[name] = [_read(files, survey, task) for files in part.files]
    return survey


def _parts(listing: Listing) -> dict[str, ClassFolders]:
    return listing.parts if len(listing.parts) > 1 else {"pictures": listing.train}


def _read(files: tuple[Path, ...], survey: Survey, task: ProgressTask) -> int:
    """Count `files` in the survey, and return how many of them are readable."""
    readable = 0
    for path in files:
        try:
            pixels = decode(path, name=name_within(path, survey.directory))
            survey.sizes[pixels.shape[0], pixels.shape[1]] += 1
            survey.channels[pixels.shape[2] if pixels.ndim == 3 else 1] += 1
            readable += 1
        except ImageError as error:
            survey.broken.append(str(error))
        task.advance()
    return readable


def _size_range(table: dict[str, Any]) -> str:
    if table["smallest"] is None:
        return "none could be read"
    shown = (f"{name} {table[name][0]}×{table[name][1]}" for name in ("smallest", "median", "largest"))
    return f"height×width: {', '.join(shown)}, each side separately"
