"""TOML tables: unknown, mistyped and out-of-range values are reported with their location."""

from __future__ import annotations

from pathlib import Path

import pytest

from hanji.training.errors import RecipeError
from hanji.training.recipe_file import read_recipe_file
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.settings import settings_from, table_from


def test_a_table_round_trips() -> None:
    table = {"type": "ncf", "hidden_units": [8, 4], "dropout": 0.1}
    config = settings_from(ModelConfig, table, "here")
    assert config.hidden_units == (8, 4)
    assert settings_from(ModelConfig, table_from(config), "here") == config


def test_integers_are_accepted_as_floats() -> None:
    assert settings_from(ModelConfig, {"dropout": 0}, "here").dropout == 0.0


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ({"embeding_size": 4}, ["here", "embeding_size", "did you mean 'embedding_size'", "hidden_units"]),
        ({"type": "svd"}, ["here.type", "neumf", "svd"]),
        ({"embedding_size": "big"}, ["here.embedding_size", "int", "big"]),
        ({"embedding_size": True}, ["here.embedding_size", "int"]),
        ({"hidden_units": 4}, ["here.hidden_units", "list"]),
        ({"hidden_units": [4, "x"]}, ["here.hidden_units[1]", "int"]),
        ({"dropout": 1.5}, ["here", "dropout: expected at least 0 and below 1", "1.5"]),
    ],
)
def test_the_message_states_the_problem_and_the_location(table: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        settings_from(ModelConfig, table, "here")
    for part in parts:
        assert part in str(caught.value)


def test_a_key_of_an_earlier_version_is_read_under_its_new_name() -> None:
    from hanji.compression.classifiers.recipe import ImageRecipe

    tables = [{"type": "quantize", "scheme": "int8", "calibration_pictures": 7}]
    recipe = ImageRecipe.from_tables("old", tables, "here")
    assert recipe.tables[0]["calibration_images"] == 7
    assert "calibration_pictures" not in recipe.tables[0]


@pytest.mark.parametrize("value", [True, False])
def test_a_removed_key_is_an_error_that_states_what_to_use_instead(value: bool) -> None:
    with pytest.raises(
        RecipeError, match="here: the key 'history_order' of earlier versions was removed; "
    ) as e:
        settings_from(ModelConfig, {"type": "history", "history_order": value}, "here")
    assert 'history_pooling = "timescales" instead of true' in str(e.value)


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (TrainingConfig, {"held_back": 0.6}, "held_back: expected above 0 and at most 0.5, found 0.6"),
        (TrainingConfig, {"learning_rate": float("nan")}, "learning_rate: expected above 0, found nan"),
        (ModelConfig, {"hidden_units": (8, 0)}, r"hidden_units: expected at least 1 each, found \[8, 0\]"),
        (
            ModelConfig,
            {"embedding_dropout": 1.0},
            "embedding_dropout: expected at least 0 and below 1, found 1.0",
        ),
    ],
)
def test_the_range_of_a_field_is_checked(cls: type, values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**values)


@pytest.mark.parametrize(
    "settings",
    [{"epochs": 0}, {"final_learning_rate": 1.0}, {"average_decay": 1.0}, {"pretraining_epochs": -1}],
)
def test_training_options_are_checked(settings: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match="here"):
        settings_from(TrainingConfig, settings, "here")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (None, ["no such file"]),
        ("name = ", ["not a valid TOML file"]),
        ("seed = 1", ["name"]),
        ('name = "x"\nmodle = {}', ["modle", "did you mean 'model'"]),
        ('name = "x"\nseed = -1', ["seed", "-1"]),
        (
            'name = "x"\nseed = 4294967296',
            ["seed: expected at least 0 and below 4294967296, found 4294967296"],
        ),
    ],
)
def test_an_invalid_recipe_file_is_reported(tmp_path: Path, text: str | None, parts: list[str]) -> None:
    path = tmp_path / "recipe.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_recipe_file(path)
    for part in [str(path), *parts]:
        assert part in str(caught.value)


def test_a_recipe_without_a_name_is_reported(tmp_path: Path) -> None:
    (tmp_path / "nameless.toml").write_text("seed = 1")
    with pytest.raises(RecipeError, match=r"nameless.toml: the key 'name' is missing"):
        read_recipe_file(tmp_path / "nameless.toml")
