"""Search spaces, parsing of sizes, and writing of recipe files."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from hanji.compression.recommenders.steps import Distil
from hanji.studies.search.shapes import bytes_per_weight, longest_shared_prefix, shape_key
from hanji.studies.search.space import read_space, with_protocol
from hanji.studies.search.toml_text import recipe_text
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import read_recipe_file
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.settings import table_from
from hanji.training.sizes import bytes_of

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDY = """
name = "tiny"
base = "base.toml"
seeds = [7, 8]
formats = ["onnx"]
[grid]
distil = [{}, { label = "half", embedding_size = 8, user_units = 0, hidden_units = [] }]
quantize = [{}, { scheme = "int4-rows" }, { scheme = "dynamic" }]
"""
BASE = """
name = "base"
[data]
format = "synthetic"
[model]
type = "history"
embedding_size = 16
"""


@pytest.mark.parametrize(
    ("text", "size"),
    [("100KB", 100_000), ("64 KiB", 65_536), ("1.5mb", 1_500_000), ("80000", 80_000), ("2MiB", 2_097_152)],
)
def test_sizes_are_parsed(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "KB", "10XB", "-3KB", "0", "1e5", "0.5", "10 K B"])
def test_invalid_sizes_raise(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        bytes_of(text)


def test_the_space_of_a_study_is_its_grid(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "study.toml").write_text(STUDY)
    space = read_space(tmp_path / "study.toml")
    assert space.base.seed == 7 and space.formats == ("onnx",) and space.engine == "onnxruntime"
    assert space.axes == {
        "distil": ("no distil", "half"),
        "quantize": ("no quantize", "int4-rows", "dynamic"),
    }
    names = [point.variant.name for point in space.points]
    assert names == ["int4-rows", "half", "half · int4-rows"]  # dynamic is not for history models
    assert space.points[2].choice == {"distil": "half", "quantize": "int4-rows"}
    assert len(space.skipped) == 2


def test_the_space_of_a_study_without_a_grid_is_its_recipes(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    named = '[[recipes]]\nname = "{0}"\ncompression = [{{ type = "quantize", scheme = "{0}" }}]\n'
    study = STUDY.split("[grid]")[0] + named.format("int8-rows") + named.format("float16")
    (tmp_path / "study.toml").write_text(study)
    space = read_space(tmp_path / "study.toml")
    assert space.axes == {"recipe": ("int8-rows", "float16")}
    assert [dict(point.choice) for point in space.points] == [{"recipe": "int8-rows"}, {"recipe": "float16"}]


@pytest.mark.parametrize("name", ["digits", "fashion-mnist", "movielens-1m", "demo", "neumf"])
def test_every_recipe_file_has_a_default_space(name: str) -> None:
    space = read_space(EXAMPLES / f"{name}.toml")
    assert len(space.points) >= 15 and not space.skipped
    assert len({point.variant.name for point in space.points}) == len(space.points)
    tables = [list(point.variant.tables) for point in space.points]
    own = [step for step in space.base.compression if step["type"] in ("distil", "quantize")]
    assert all(any(step in point for point in tables) for step in own)  # the file's own steps are included


def test_a_recipe_without_a_format_that_python_can_run_raises(tmp_path: Path) -> None:
    (tmp_path / "only-web.toml").write_text(BASE + '[export]\nformats = ["tfjs"]\n')
    with pytest.raises(RecipeError, match=r"export\.formats"):
        read_space(tmp_path / "only-web.toml")


@pytest.mark.parametrize("name", ["digits", "fashion-mnist", "movielens-1m-device"])
def test_written_recipes_can_be_read_back(tmp_path: Path, name: str) -> None:
    file = read_recipe_file(EXAMPLES / f"{name}.toml")
    (tmp_path / "again.toml").write_text(recipe_text(file, ["a comment", 'with "quotes"']), encoding="utf-8")
    again = read_recipe_file(tmp_path / "again.toml")
    assert vars(again) | {"path": None} == vars(file) | {"path": None}


def test_the_metric_of_a_space_under_full_ranking(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    space = read_space(tmp_path / "base.toml")
    full = with_protocol(space, "full")
    assert (space.metric, full.metric) == ("ndcg_at_10", "full_ranking_ndcg_at_10")
    assert with_protocol(full, "sampled") == space
    with pytest.raises(RecipeError, match="sampled or full, found 'all'"):
        with_protocol(space, "all")


def test_special_characters_survive_in_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    file = read_recipe_file(tmp_path / "base.toml")
    special = {"name": 'a "b" \\ \t\x7f é ✓', "x.y": {"": [1.5, 1e-7, True, {"z": []}]}}
    file.data.update(special)
    (tmp_path / "again.toml").write_text(recipe_text(file, []), encoding="utf-8")
    assert read_recipe_file(tmp_path / "again.toml").data == {"format": "synthetic", **special}


def test_recipes_that_differ_only_in_training_have_the_same_shape() -> None:
    distil = {"type": "distil", "embedding_size": 8, "epochs": 3, "teacher": "ensemble"}
    one = Variant(
        "one", (distil, {"type": "prune", "sparsity": 0.5}, {"type": "quantize", "scheme": "int8-qat"})
    )
    other = Variant("other", ({**distil, "epochs": 30}, {"type": "quantize", "scheme": "int8", "epochs": 9}))
    assert shape_key(one).tables == shape_key(other).tables
    sparse = Variant("sparse", ({"type": "prune", "sparsity": 0.75, "sparse_storage": True},))
    assert shape_key(sparse).tables == sparse.tables
    assert [bytes_per_weight(variant) for variant in (one, sparse, Variant("full", ()))] == [1.0, 1.0, 4.0]


def test_the_shape_has_every_setting_of_a_students_architecture() -> None:
    in_training_only = {"dropout", "embedding_dropout", "embedding_regularization"}
    architecture = {field.name for field in fields(ModelConfig)} - in_training_only
    student = Variant("student", ({"type": "distil", **table_from(Distil())},))
    (shape,) = shape_key(student).tables
    assert set(shape) == {"type"} | (architecture & set(student.tables[0]))
    assert "history_heads" in shape


def test_the_longest_shared_prefix_wins() -> None:
    a, b, c = ({"type": name} for name in ("distil", "channels", "quantize"))
    first, second, third = Variant("1", (a,)), Variant("2", (a, b)), Variant("3", (c,))
    assert longest_shared_prefix(Variant("4", (a, b, c)), [first, second, third]) == second
    assert longest_shared_prefix(Variant("5", (b, c)), [first, second, third]) is None
