"""A set of pictures in a few numbers, for people and for machines."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.data.dataset import ImageDataset


def overview_table(dataset: ImageDataset) -> dict[str, Any]:
    """JSON-ready: sizes, pictures of each class and part, imbalance, normalization, what was left out."""
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
        "broken": list(dataset.faults),
        "left_out": list(dataset.left_out),
    }


def overview_lines(dataset: ImageDataset) -> list[str]:
    """The same for people."""
    table = overview_table(dataset)
    colour = "grey" if table["channels"] == 1 else "RGB"
    samples, normalization = table["pictures"], table["normalization"]
    return [
        f"{table['name']} (format {table['format']})",
        f"  licence        {table['licence']}",
        f"  pictures       {samples['train']:,} to train on, {samples['validation']:,} to choose by, "
        f"{samples['test']:,} to be tested on",
        f"  size           {table['height']}×{table['width']}, {colour}",
        f"  mean           {_listed(normalization['mean'])} of 255, spread {_listed(normalization['std'])}",
        f"  classes        {dataset.classes}, the largest {table['imbalance']:.3g} times the smallest",
        *class_lines(table["classes"]),
        "  quality",
        *(f"    {line}" for line in _quality_lines(table)),
    ]


def class_lines(classes: list[dict[str, Any]]) -> list[str]:
    """A line for each class with the number of its pictures in each part."""
    parts = [key for key in classes[0] if key != "label"]
    rows = [parts, *([f"{entry[part]:,}" for part in parts] for entry in classes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    names = ["", *(entry["label"] for entry in classes)]
    padded = [[cell.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return [f"    {'  '.join([*row, name])}".rstrip() for row, name in zip(padded, names, strict=True)]


def imbalance(counts: NDArray[np.integer]) -> float:
    """How many times as many pictures the largest class has as the smallest."""
    return float(counts.max() / max(counts.min(), 1))


def broken_lines(broken: list[str]) -> list[str]:
    """How many pictures are broken, and each by name."""
    if not broken:
        return []
    return [f"broken pictures, left out: {len(broken):,}", *(f"  {fault}" for fault in broken)]


def left_out_lines(left_out: list[str]) -> list[str]:
    """The files that are no pictures."""
    return [f"left out: {kind}" for kind in left_out]


def copies_in_training(dataset: ImageDataset) -> int:
    """Test pictures of which training has an exact copy, so that a model may have learned the answer."""
    trained = {_digest(image) for image in dataset.train.images}
    return sum(_digest(image) in trained for image in dataset.test.images)


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _quality_lines(table: dict[str, Any]) -> list[str]:
    copies = table["test_in_training"]
    lines = [f"test pictures with an exact copy in training: {copies:,}"] if copies else []
    return (lines + left_out_lines(table["left_out"]) + broken_lines(table["broken"])) or [
        "nothing to report"
    ]


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
