"""One recipe of a study."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from hanji.compression.task import task_named
from hanji.training.recipe_file import RecipeFile


@dataclass(frozen=True)
class Variant:
    """A named recipe; ``tables`` are its steps as in a recipe file, none for the full model."""

    name: str
    tables: tuple[dict[str, Any], ...]

    @property
    def slug(self) -> str:
        """A readable and unique directory name."""
        return slug_of(self.name)

    @property
    def family(self) -> str:
        """Equal for recipes that start with the same distillation and so can share a student; else empty."""
        first = self.tables[0] if self.tables else {}
        return json.dumps(first, sort_keys=True) if first.get("type") == "distil" else ""

    def check(self, base: RecipeFile, where: str) -> None:
        """RecipeError if the task or the model of ``base`` does not support these steps."""
        task, where = task_named(base.task), f"{where} ({self.name!r})"
        recipe = task.recipe.from_tables(self.name, [dict(table) for table in self.tables], where)
        model = base.settings("model", task.model_config)
        task.check_recipe(recipe, model)


def slug_of(name: str) -> str:
    """A readable and unique file name for any name."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


FULL = Variant("full", ())
"""The full model in float32, the baseline of every other row."""


__all__ = ["FULL", "Variant", "slug_of"]
