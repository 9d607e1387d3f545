"""Reads the class names of a wrapped model: a text file with one label per line, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hanji.training.errors import RecipeError
from hanji.training.json_files import read_json, read_text


@dataclass(frozen=True)
class ClassNames:
    """``labels`` in the order of the model's outputs; ``names`` holds translations by language tag."""

    source: str
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def expect_classes(self, classes: int, path: Path) -> None:
        """RecipeError unless there is one label for each class of the model in ``path``."""
        if (count := len(self.labels)) == classes:
            return
        remedy = "list one label per line, in the order of the outputs, in the file of --labels"
        if count == 1 and classes == 2:
            remedy = (
                "the model gives one value for the second of two classes: put the name of the other class, "
                "for which it is near 0, before it"
            )
        raise RecipeError(
            f"{self.source}: expected {classes} labels, one for each output of {path}, found {count}; "
            f"{remedy}"
        )


def read_labels(path: Path) -> ClassNames:
    """The labels in ``path``.

    A ``.json`` file contains a list, or the content of a bundle's labels.json: ``{"labels": […], "names":
    {"ko": […]}}``. Any other file contains one label per line; trailing empty lines are ignored. RecipeError
    for anything else.
    """
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: the labels cannot be read: {error}") from None
    if path.suffix.lower() == ".json":
        return _of_json(path)
    return ClassNames(str(path), _checked(text.rstrip().splitlines(), path, "line"))


def _of_json(path: Path) -> ClassNames:
    try:
        found = read_json(path)
    except ValueError as error:
        raise RecipeError(f"{path}: not a JSON file: {error}") from None
    table = found if isinstance(found, dict) else {"labels": found}
    labels = _checked(table.get("labels"), path, "labels")
    translated = table.get("names") or {}
    if not isinstance(translated, dict):
        raise RecipeError(f"{path}: names: expected a table of lists by language tag, found {translated!r}")
    names = {language: _checked(values, path, f"names.{language}") for language, values in translated.items()}
    for language, values in names.items():
        if len(values) != len(labels):
            raise RecipeError(
                f"{path}: names.{language}: expected {len(labels)} names, one for each label, found "
                f"{len(values)}"
            )
    return ClassNames(str(path), labels, names)


def _checked(labels: Any, path: Path, where: str) -> tuple[str, ...]:
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or not labels:
        raise RecipeError(f"{path}: {where}: expected a list of labels, found {labels!r:.80}")
    stripped = tuple(label.strip() for label in labels)
    for number, label in enumerate(stripped, 1):
        if not 1 <= len(label) <= 1000:
            raise RecipeError(
                f"{path}: {where} {number}: expected a label of 1 to 1000 characters, found {len(label)}; "
                "for a class without a name, use its index"
            )
    return stripped


__all__ = ["ClassNames", "read_labels"]
