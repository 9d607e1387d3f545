"""The build report of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.build_report import BuildReport, surroundings
from hanji.export.classifiers.measure import ClassifierRow
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.metrics import PROTOCOL

HEADINGS = (
    "model",
    "format",
    "top-1",
    "macro",
    "ECE",
    "bytes",
    "gzip",
    "parameters",
    "MACs",
    "p50 ms",
    "engine",
)


@dataclass(frozen=True)
class ClassifierReport(BuildReport):
    """The build report of a classifier; ``rows`` are of type ClassifierRow."""

    pictures: dict[str, int]
    """The number of training, validation and test images."""

    step_metrics: list[dict[str, float]]
    """Test metrics after each of ``steps``, in Keras: without the quantization that the converter applies."""

    compression_notes: list[str]
    """Notes on the limits of the recipe's steps."""

    @classmethod
    def of(
        cls,
        compressed: CompressedClassifier,
        dataset: ImageDataset,
        rows: Sequence[ClassifierRow],
        seconds: dict[str, float],
    ) -> ClassifierReport:
        """The report of a build that was just run on this machine."""
        return cls(
            name=compressed.recipe.name,
            recipe_sha256=compressed.recipe.sha256,
            steps=compressed.recipe.tables,
            seed=compressed.full.seed,
            data=vars(compressed.full.data),
            teacher_metrics=compressed.teacher_metrics,
            rows=list(rows),
            seconds=seconds,
            pictures={name: len(getattr(dataset, name)) for name in ("train", "validation", "test")},
            step_metrics=list(compressed.step_metrics),
            compression_notes=list(compressed.notes),
            **surroundings(),
        )

    @property
    def headings(self) -> tuple[str, ...]:
        return HEADINGS

    @property
    def cells(self) -> list[list[str]]:
        return [_cells(row) for row in self.rows]

    @property
    def notes(self) -> list[str]:
        notes = [
            "Measured on the exported files through the runtime, single-threaded, over "
            f"{self.pictures['test']} test images; {PROTOCOL}.",
            "p50 is the median latency of classify() for an array of the model's input size; decoding and "
            "resizing an image file are not included.",
        ]
        if self.teacher_metrics is not None:
            reached = self.teacher_metrics["top1"]
            notes.append(f"The teacher, which is not part of the bundle, reaches top-1 {reached:.4f}.")
        if self.step_metrics:
            measured = zip(self.steps, self.step_metrics, strict=True)
            steps = ", ".join(f"{step['type']} {found['top1']:.4f}" for step, found in measured)
            notes.append(f"Top-1 after each step, in Keras: {steps}.")
        engines = {row.engine: row for row in self.rows if row.model == "full"}
        for row in self.rows:
            if row.model != "full" and row.engine in engines:
                notes.append(_compared(engines[row.engine], row))
        return notes + self.compression_notes


def _compared(full: ClassifierRow, small: ClassifierRow) -> str:
    lost = 100 * (full.metrics["top1"] - small.metrics["top1"])
    direction = "lower" if lost >= 0 else "higher"
    return (
        f"Compared with the full model in {small.engine}: top-1 {abs(lost):.2f} percentage points "
        f"{direction}, file {full.bytes / small.bytes:.1f} times smaller, inference without pre- and "
        f"postprocessing {full.engine_p50_ms / small.engine_p50_ms:.1f} times as fast."
    )


def _cells(row: ClassifierRow) -> list[str]:
    return [
        row.model,
        f"{row.format} {row.precision}",
        *(f"{row.metrics[name]:.4f}" for name in ("top1", "macro_top1", "ece")),
        f"{row.bytes:,}",
        f"{row.gzip_bytes:,}",
        f"{row.parameters:,}",
        "" if row.macs is None else f"{row.macs:,}",
        f"{row.classify_p50_ms:.3f}",
        row.engine,
    ]


__all__ = ["HEADINGS", "ClassifierReport"]
