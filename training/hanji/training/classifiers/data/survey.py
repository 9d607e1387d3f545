"""What a folder of pictures holds as it is, before any size is chosen: classes, sizes, broken pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hanji.runtime.errors import ImageError
from hanji.runtime.images.preparation import decode
from hanji.training.classifiers.data.listing import ClassFolders, Listing, list_folder, name_within
from hanji.training.classifiers.data.overview import broken_lines, class_lines, imbalance, left_out_lines
from hanji.training.progress import ProgressTask, progress

_SIZES = 5


@dataclass(frozen=True)
class Survey:
    """Counts over all pictures of a folder; each was decoded to its end."""

    directory: Path
    labels: tuple[str, ...]
    counts: dict[str, list[int]]
    """Readable pictures of each class, by part ("train", "validation", "test"; "pictures" if undivided)."""

    sizes: Counter[tuple[int, int]]
    """How many pictures are of which (height, width)."""

    channels: Counter[int]
    """How many are grey (1), RGB (3) or RGB with transparency (4)."""

    broken: list[str]
    left_out: tuple[str, ...]

    def table(self) -> dict[str, Any]:
        """JSON-ready."""
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
        """For people."""
        table = self.table()
        samples = ", ".join(f"{count:,} {part}" for part, count in table["pictures"].items())
        sizes = [f"{entry['pictures']:>7,}  {entry['height']}×{entry['width']}" for entry in table["sizes"]]
        more = len(self.sizes) - len(sizes)
        quality = self._missing() + left_out_lines(table["left_out"]) + broken_lines(self.broken)
        return [
            f"{self.directory} (format folder)",
            f"  pictures  {samples}",
            f"  colours   {', '.join(f'{count:,} {colour}' for colour, count in table['colours'].items())}",
            f"  sizes     {_side_by_side(table)}",
            *(f"    {line}" for line in sizes),
            *([f"    and {more:,} sizes more"] if more else []),
            f"  classes   {len(self.labels)}, the largest {table['imbalance']:.3g} times the smallest",
            *class_lines(table["classes"]),
            "  quality",
            *(f"    {line}" for line in quality or ["nothing to report"]),
        ]

    def _missing(self) -> list[str]:
        """Why the folder could not be trained on."""
        few = ["only one class: at least two are needed"] if len(self.labels) < 2 else []
        return few + [
            f"class without a readable picture in {part}: {label}"
            for part, counts in self.counts.items()
            for label, count in zip(self.labels, counts, strict=True)
            if not count
        ]


_COLOURS = {1: "grey", 3: "RGB", 4: "RGB with transparency"}


def survey_folder(directory: Path) -> Survey:
    """Decode every picture of a folder with one sub-folder a class, however many are broken.

    Raises DataError for a folder that is laid out in another way.
    """
    listing = list_folder(directory)
    survey = Survey(directory, listing.labels, {}, Counter(), Counter(), [], listing.left_out)
    with progress("Reading pictures") as task:
        task.expect(listing.total)
        for name, part in _parts(listing).items():
            survey.counts[name] = [_read(files, survey, task) for files in part.files]
    return survey


def _parts(listing: Listing) -> dict[str, ClassFolders]:
    return listing.parts if len(listing.parts) > 1 else {"pictures": listing.train}


def _read(files: tuple[Path, ...], survey: Survey, task: ProgressTask) -> int:
    """Count `files` in the survey; how many of them are readable."""
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


def _side_by_side(table: dict[str, Any]) -> str:
    if table["smallest"] is None:
        return "none could be read"
    shown = (f"{name} {table[name][0]}×{table[name][1]}" for name in ("smallest", "median", "largest"))
    return f"height×width: {', '.join(shown)}, each side by itself"
