"""The setup of an evaluator: the recipe file, the formats, the metric, and the directories."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.export.bundle.build_report import PACKAGES
from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import Format
from hanji.studies.variant import Variant
from hanji.training.recipe_file import RecipeFile


@dataclass(frozen=True)
class Setup:
    """Settings shared by all recipes of a search."""

    base: RecipeFile
    """The recipe file; its seed is used in all trainings."""

    formats: tuple[Format, ...]
    metric: str
    data: Path | None
    out: Path

    content: str
    """Hash of the data."""

    @property
    def target(self) -> Format:
        """The format that is measured."""
        return self.formats[0]

    @property
    def engine(self) -> str:
        """The engine of that format."""
        return DEVICE_ENGINES[self.target]

    @property
    def work(self) -> Path:
        """The directory of the full model and of all checkpoints."""
        return self.out / "work" / f"seed-{self.base.seed}"

    def identity(self, variant: Variant) -> str:
        """Hash of everything that the measurements of ``variant`` depend on."""
        base = self.base
        content = [
            [base.task, base.data, base.model, base.training, base.export, base.seed],
            [self.target, self.metric, variant.tables, self.content],
            {package: version(package) for package in PACKAGES},
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """The setup as a JSON object."""
        return {
            "base": {**asdict(self.base), "path": str(self.base.path)},
            "formats": list(self.formats),
            "metric": self.metric,
            "data": None if self.data is None else str(self.data),
            "out": str(self.out),
            "content": self.content,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Setup:
        """The setup from the result of ``as_json``."""
        base = RecipeFile(**{**content["base"], "path": Path(content["base"]["path"])})
        return cls(
            base=replace(base, compression=tuple(base.compression)),
            formats=tuple(content["formats"]),
            metric=content["metric"],
            data=content["data"] and Path(content["data"]),
            out=Path(content["out"]),
            content=content["content"],
        )


__all__ = ["Setup"]
