"""One recipe of a study."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from hanji.training.recipe_file import RecipeFile


@dataclass(frozen=True)
class Variant:
    """A named recipe; ``tables`` are its steps as a recipe file has them, none for the full model."""

    name: str
    tables: tuple[dict[str, Any], ...]

    @property
    def slug(self) -> str:
        """A directory's name of it: readable, and different for every name."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:60]
        return f"{readable}-{hashlib.sha256(self.name.encode()).hexdigest()[:6]}"

    @property
    def family(self) -> str:
        """The same for recipes that begin with the same distillation, so that they can share a student."""
        first = self.tables[0] if self.tables else {}
        return json.dumps(first, sort_keys=True) if first.get("type") == "distil" else ""

    def check(self, base: RecipeFile, where: str) -> None:
        """RecipeError if the task does not take these steps, or the model of ``base`` does not."""
        # TensorFlow is slow to import, and most of what reads a study needs none of it.
        from hanji.compression.images.recipe import ImageRecipe
        from hanji.compression.recipe import check_recipe, recipe_of_tables
        from hanji.training.models.config import ModelConfig
        from hanji.training.settings import settings_from

        named = f"{where} ({self.name!r})"
        tables = [dict(table) for table in self.tables]
        if base.task == "image-classification":
            ImageRecipe.of_tables(self.name, tables, named)
            return
        model = settings_from(ModelConfig, base.model, f"{base.path}: model")
        check_recipe(recipe_of_tables(self.name, tables, named), model.type)


FULL = Variant("full", ())
"""The full model in float32: what every other row is held against."""


__all__ = ["FULL", "Variant"]
