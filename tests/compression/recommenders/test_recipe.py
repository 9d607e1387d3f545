"""Recommender recipes: allowed steps, their order, and the errors for mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import Distil, Prune, Quantize
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import read_recipe_file
from hanji.training.settings import read_toml


def write(path: Path, text: str) -> str:
    file = path / "recipe.toml"
    file.write_text('name = "mine"\n' + text)
    return str(file)


@pytest.mark.parametrize("name", Recipe.built_in_names())
def test_built_in_recipes_load_by_name(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.steps


def test_steps_are_read_in_order(tmp_path: Path) -> None:
    text = '[[compression]]\ntype = "prune"\nsparsity = 0.8\n[[compression]]\ntype = "quantize"\n'
    recipe = Recipe.load(write(tmp_path, text))
    assert recipe.steps == (Prune(sparsity=0.8), Quantize())


def test_a_recipe_without_steps_changes_nothing(tmp_path: Path) -> None:
    assert Recipe.load(write(tmp_path, "")).steps == ()


def test_the_hash_depends_on_the_steps_and_not_on_the_notation() -> None:
    assert Recipe("a", (Prune(),)).sha256 == Recipe("b", (Prune(sparsity=0.5),)).sha256
    assert Recipe("a", (Prune(),)).sha256 != Recipe("a", (Prune(sparsity=0.6),)).sha256


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            '[[compression]]\ntype = "shrink"',
            ["compression[0]", "distil, low-rank, prune, quantize", "'shrink'"],
        ),
        ("[[compression]]\nsparsity = 0.5", ["compression[0]", "type", "None"]),
        ('[[compression]]\ntype = "prune"\nsparsty = 0.5', ["sparsty", "did you mean 'sparsity'"]),
        ('[[compression]]\ntype = "prune"\nsparsity = 80', ["sparsity: expected above 0 and below 1", "80"]),
        ('[[compression]]\ntype = "quantize"\nscheme = "int3"', ["scheme", "int8-qat", "int3"]),
        (
            '[[compression]]\ntype = "quantize"\n[[compression]]\ntype = "prune"',
            ["distil → low-rank → prune → quantize", "quantize → prune"],
        ),
        ('[[compression]]\ntype = "prune"\n[[compression]]\ntype = "prune"', ["once", "prune → prune"]),
    ],
)
def test_errors_name_the_location(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        Recipe.load(path)
    for part in [path, *parts]:
        assert part in str(caught.value)


def test_an_unknown_name_lists_the_built_in_ones() -> None:
    with pytest.raises(RecipeError, match="int8-qat"):
        Recipe.load("tiny")


@pytest.mark.parametrize("step", [Distil, Prune, Quantize])
def test_steps_validate_their_options(step: type) -> None:
    with pytest.raises(ValueError, match="epochs"):
        step(epochs=0)
    with pytest.raises(ValueError, match="learning_rate"):
        step(learning_rate=0.0)


EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.toml"))
RECIPES = [path for path in EXAMPLES if "recipes" not in read_toml(path)]  # the others are studies


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_the_examples_are_valid(path: Path) -> None:
    task = read_recipe_file(path).task
    next(kind for kind in (Recipe, ImageRecipe) if kind.task == task).load(str(path))
    assert read_toml(path)["name"] == path.stem
