"""Summary of an image dataset, as JSON and as text."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.data.dataset import ImageDataset


def overview_table(dataset: ImageDataset) -> dict[str, Any]:
    """JSON-ready summary: sizes, images per class and part, imbalance, normalization, files left out."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    counts = {part: np.bincount(samples.labels, minlength=dataset.classes) for part, samples in parts.items()}
    return {
        "name": dataset.name,
        "format": dataset.format,
        "synthetic": dataset.synthetic,
        "licence": dataset.licence,
        "height": dataset.height,
        "width": dataset.width,
        "channels": dataset.channels,
        "fit": dataset.fit,
        "pictures": {part: len(samples) for part, samples in parts.items()},
        "classes": [
            {"label": label, **{part: int(count[index]) for part, count in counts.items()}}
            for index, label in enumerate(dataset.labels)
        ],
        "imbalance": imbalance(counts["train"]),
        "normalization": {
            "mean": list(dataset.normalization.mean),
            "std": list(dataset.normalization.std),
        },
        "test_in_training": copies_in_training(dataset),
        "broken": list(dataset.broken_images),
        "left_out": list(dataset.left_out),
    }


def overview_lines(dataset: ImageDataset) -> list[str]:
    """The summary as lines of text."""
    table = overview_table(dataset)
    colour = "grey" if table["channels"] == 1 else "RGB"
    counts, normalization = table["pictures"], table["normalization"]
    return [
        f"{table['name']} (format {table['format']})",
        f"  licence        {table['licence']}",
        f"  images         {counts['train']:,} training, {counts['validation']:,} validation, "
        f"{counts['test']:,} test",
        f"  size           {table['height']}×{table['width']}, {colour}",
        f"  mean           {_listed(normalization['mean'])} of 255, standard deviation "
        f"{_listed(normalization['std'])}",
        f"  classes        {dataset.classes}, the largest {table['imbalance']:.3g} times the smallest",
        *class_lines(table["classes"]),
        "  quality",
        *(f"    {line}" for line in _quality_lines(table)),
    ]


def class_lines(classes: list[dict[str, Any]]) -> list[str]:
    """One line per class with the number of its images in each part."""
    parts = [key for key in classes[0] if key != "label"]
    titles = [part_title(part) for part in parts]
    rows = [titles, *([f"{entry[part]:,}" for part in parts] for entry in classes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    names = ["", *(entry["label"] for entry in classes)]
    padded = [[cell.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return [f"    {'  '.join([*row, name])}".rstrip() for row, name in zip(padded, names, strict=True)]


def part_title(part: str) -> str:
    """The name of a part in text; the only part of an undivided folder is called "pictures" in JSON."""
    return "images" if part == "pictures" else part


def imbalance(counts: NDArray[np.integer]) -> float:
    """The ratio of the sizes of the largest and the smallest class."""
    return float(int(counts.max()) / max(int(counts.min()), 1))


def broken_lines(broken: list[str]) -> list[str]:
    """The number of broken images, and one line for each."""
    if not broken:
        return []
    return [f"broken images, left out: {len(broken):,}", *(f"  {report}" for report in broken)]


def left_out_lines(left_out: list[str]) -> list[str]:
    """One line per type of other files that were left out."""
    return [f"left out: {files}" for files in left_out]


def copies_in_training(dataset: ImageDataset) -> int:
    """Number of test images with an exact copy in the training set, which a model may have memorized."""
    training = {_digest(image) for image in dataset.train.images}
    return sum(_digest(image) in training for image in dataset.test.images)


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _quality_lines(table: dict[str, Any]) -> list[str]:
    copies = table["test_in_training"]
    lines = [f"test images with an exact copy in training: {copies:,}"] if copies else []
    return (lines + left_out_lines(table["left_out"]) + broken_lines(table["broken"])) or [
        "nothing to report"
    ]


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
