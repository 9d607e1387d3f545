"""What a evaluator is for: the recipe file, the formats, the metric, and where data and work lie."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import Format
from hanji.export.reporting.build_report import PACKAGES
from hanji.studies.variant import Variant
from hanji.training.recipe_file import RecipeFile


@dataclass(frozen=True)
class Setup:
    """The same for all recipes of a search."""

    base: RecipeFile
    """Its seed is the one of all trainings."""

    formats: tuple[Format, ...]
    metric: str
    data: Path | None
    out: Path

    @property
    def target(self) -> Format:
        """The format that is measured."""
        return self.formats[0]

    @property
    def engine(self) -> str:
        """Runs that format."""
        return DEVICE_ENGINES[self.target]

    @property
    def work(self) -> Path:
        """The full model and the checkpoints of all trainings."""
        return self.out / "work" / f"seed-{self.base.seed}"

    def identity(self, variant: Variant) -> str:
        """Of all that decides what is measured of ``variant``."""
        base = self.base
        decides = [
            [base.task, base.data, base.model, base.training, base.export, base.seed],
            [self.target, self.metric, variant.tables],
            {package: version(package) for package in PACKAGES},
        ]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "base": {**asdict(self.base), "path": str(self.base.path)},
            "formats": list(self.formats),
            "metric": self.metric,
            "data": None if self.data is None else str(self.data),
            "out": str(self.out),
        }

    @classmethod
    def of_json(cls, plain: dict[str, Any]) -> Setup:
        """What ``as_json`` made."""
        base = RecipeFile(**{**plain["base"], "path": Path(plain["base"]["path"])})
        return cls(
            base=replace(base, compression=tuple(base.compression)),
            formats=tuple(plain["formats"]),
            metric=plain["metric"],
            data=plain["data"] and Path(plain["data"]),
            out=Path(plain["out"]),
        )


__all__ = ["Setup"]
