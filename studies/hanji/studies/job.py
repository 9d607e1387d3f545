"""One job of a study: what a process of its own is asked to do, and where it leaves what it made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import Format
from hanji.studies.variant import Variant

ROW, OUTCOMES = "row.json", "outcomes.npz"


@dataclass(frozen=True)
class Job:
    """What one process is to do: train the full model once, or build and ask one ``variant``."""

    base: Path
    variant: Variant | None
    """None: train the full model."""

    seed: int
    formats: tuple[Format, ...]
    data: Path | None
    work: Path
    """Of the seed: the trained model is in WORK/trained."""

    out: Path
    """Of the job: OUT/bundle, OUT/outcomes.npz, OUT/row.json."""

    layers: bool = False
    """Whether to measure what rounding each layer costs."""

    @property
    def engine(self) -> str:
        """The engine that answers for the first format."""
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
    def of_json(cls, asked: dict[str, Any]) -> Job:
        """What ``as_json`` wrote."""
        variant = asked["variant"] and Variant(asked["variant"]["name"], tuple(asked["variant"]["tables"]))
        data = asked["data"] and Path(asked["data"])
        formats, work, out = tuple(asked["formats"]), Path(asked["work"]), Path(asked["out"])
        return cls(Path(asked["base"]), variant, asked["seed"], formats, data, work, out, asked["layers"])


def checkpoints_of(work: Path, variant: Variant) -> Path:
    """Where the trainings of one variant leave their checkpoints."""
    return work / "checkpoints" / variant.slug


def share_checkpoints(work: Path, done: Variant, other: Variant) -> None:
    """Give ``other``, which begins with the same distillation, the student and the teacher's answers."""
    source, target = checkpoints_of(work, done), checkpoints_of(work, other)
    target.mkdir(parents=True, exist_ok=True)
    for path in (source / "distilling.npz", source / "teacher"):
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True)
        elif path.is_file() and not (target / path.name).exists():
            shutil.copy2(path, target / path.name)


__all__ = ["OUTCOMES", "ROW", "Job", "checkpoints_of", "share_checkpoints"]
