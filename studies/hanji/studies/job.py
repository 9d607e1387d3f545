"""One job of a study: the request for a separate process, and the paths of its results."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import Format
from hanji.studies.variant import Variant
from hanji.training.files import atomic_file

ROW, OUTCOMES = "row.json", "outcomes.npz"
END_WITH_STDIN = "--end-with-stdin"
"""Argument of a job's process: end when stdin is closed, that is, with the process that started it."""


@dataclass(frozen=True)
class Job:
    """The task of one process: train the full model, or build and measure one ``variant``."""

    base: Path
    variant: Variant | None
    """None: train the full model."""

    seed: int
    formats: tuple[Format, ...]
    data: Path | None
    work: Path
    """Working directory of the seed; the trained model is in WORK/trained."""

    out: Path
    """Output directory of the job: OUT/bundle, OUT/outcomes.npz, OUT/row.json."""

    layers: bool = False
    """Whether to measure the quantization error of each layer."""

    @property
    def engine(self) -> str:
        """The engine of the first format."""
        return DEVICE_ENGINES[self.formats[0]]

    def as_json(self) -> dict[str, Any]:
        """The content of the request."""
        variant = self.variant and {"name": self.variant.name, "tables": list(self.variant.tables)}
        paths = {"base": self.base, "data": self.data, "work": self.work, "out": self.out}
        plain = {name: None if path is None else str(path.resolve()) for name, path in paths.items()}
        return {
            **plain,
            "variant": variant,
            "seed": self.seed,
            "formats": self.formats,
            "layers": self.layers,
        }

    @classmethod
    def from_json(cls, request: dict[str, Any]) -> Job:
        """The job from the result of ``as_json``."""
        variant = request["variant"]
        return cls(
            base=Path(request["base"]),
            variant=variant and Variant(variant["name"], tuple(variant["tables"])),
            seed=request["seed"],
            formats=tuple(request["formats"]),
            data=request["data"] and Path(request["data"]),
            work=Path(request["work"]),
            out=Path(request["out"]),
            layers=request["layers"],
        )


def checkpoints_of(work: Path, variant: Variant) -> Path:
    """The directory of one variant's checkpoints."""
    return work / "checkpoints" / variant.slug


def share_checkpoints(work: Path, done: Variant, other: Variant) -> None:
    """Copy the student and the teacher's outputs to ``other``, which starts with the same distillation."""
    source, target = checkpoints_of(work, done), checkpoints_of(work, other)
    target.mkdir(parents=True, exist_ok=True)
    for path in (source / "distilling.npz", source / "teacher"):
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True, copy_function=copied)
        elif path.is_file() and _is_newer(path, target / path.name):
            copied(path, target / path.name)


def copied(source: str | Path, target: str | Path) -> None:
    """Copy a file with its time, completely or not at all."""
    with atomic_file(Path(target)) as staging:
        shutil.copy2(source, staging)


def _is_newer(path: Path, other: Path) -> bool:
    return not other.exists() or path.stat().st_mtime > other.stat().st_mtime


__all__ = ["END_WITH_STDIN", "OUTCOMES", "ROW", "Job", "checkpoints_of", "copied", "share_checkpoints"]
