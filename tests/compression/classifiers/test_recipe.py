"""Image recipes: allowed steps, their order, and the errors for mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import tf_keras as keras

from hanji.compression.classifiers.check import check_image_recipe
from hanji.compression.classifiers.notes import notes_of
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    ImageStep,
    PruneChannels,
)
from hanji.compression.recommenders.recipe import Recipe
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.errors import RecipeError


def write(path: Path, text: str) -> str:
    file = path / "recipe.toml"
    file.write_text('name = "mine"\ntask = "image-classification"\n' + text)
    return str(file)


@pytest.mark.parametrize("name", ImageRecipe.built_in_names())
def test_built_in_recipes_load_by_name(name: str) -> None:
    recipe = ImageRecipe.load(name)
    assert recipe.name == name
    assert recipe.steps


def test_common_built_in_recipes_exist_for_both_tasks() -> None:
    assert {"int8", "int8-qat", "float16", "dynamic"} <= {*ImageRecipe.built_in_names()} & {
        *Recipe.built_in_names()
    }


def test_a_student_is_configured_like_a_model(tmp_path: Path) -> None:
    text = """
        [[compression]]
        type = "distil"
        feature_weight = 0.5
        [compression.model]
        type = "mobilenet-v1"
        channels = [16, 32]
        blocks = [1, 1]
        strides = [1, 2]
        [[compression]]
        type = "channels"
        [[compression]]
        type = "quantize"
        scheme = "int8-qat"
        float_layers = ["stem"]
    """
    recipe = ImageRecipe.load(write(tmp_path, text))
    student = ImageModelConfig(channels=(16, 32), blocks=(1, 1), strides=(1, 2))
    assert recipe.steps == (
        ImageDistil(model=student, feature_weight=0.5),
        PruneChannels(),
        ImageQuantize("int8-qat", float_layers=("stem",)),
    )
    assert ImageRecipe.from_tables("again", recipe.tables, "here").steps == recipe.steps


def test_the_hash_depends_on_the_steps_and_not_on_the_notation() -> None:
    assert ImageRecipe("a", (ImagePrune(),)).sha256 == ImageRecipe("b", (ImagePrune(sparsity=0.5),)).sha256
    assert (
        ImageRecipe("a", (ImageDistil(),)).sha256
        != ImageRecipe("a", (ImageDistil(model=ImageModelConfig()),)).sha256
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            '[[compression]]\ntype = "low-rank"',
            ["compression[0]", "distil, channels, prune, cluster, quantize", "'low-rank'"],
        ),
        ('[[compression]]\ntype = "cluster"\ncluster = 8', ["cluster", "did you mean 'clusters'"]),
        ('[[compression]]\ntype = "channels"\nkeep = 50', ["keep: expected above 0 and below 1", "50"]),
        ('[[compression]]\ntype = "quantize"\nscheme = "int4"', ["scheme", "int16x8", "int4"]),
        ('[[compression]]\ntype = "distil"\nmodel = "small"', ["compression[0].model", "table", "'small'"]),
        (
            '[[compression]]\ntype = "distil"\nmodel = { widht_multiplier = 0.5 }',
            ["compression[0].model", "did you mean 'width_multiplier'"],
        ),
        ('[[compression]]\ntype = "distil"\nfeature_layer = "stem"', ["feature_weight"]),
        (
            '[[compression]]\ntype = "prune"\n[[compression]]\ntype = "channels"',
            ["distil → channels → prune → cluster → quantize", "prune → channels"],
        ),
        (
            '[[compression]]\ntype = "prune"\nsparse_storage = true\n[[compression]]\ntype = "quantize"',
            ["sparse_storage", "float32"],
        ),
        (
            '[[compression]]\ntype = "quantize"\nscheme = "float16"\nfloat_layers = ["stem"]',
            ["float_layers", "float16"],
        ),
    ],
)
def test_errors_name_the_location(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        ImageRecipe.load(path)
    for part in [path, *parts]:
        assert part in str(caught.value)


def test_a_recipe_of_the_other_task_raises(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    with pytest.raises(RecipeError, match=r'task = "recommendation".*found task = "image-classification"'):
        Recipe.load(path)


@pytest.mark.parametrize("step", [ImageDistil, PruneChannels, ImagePrune, ClusterWeights, ImageQuantize])
def test_steps_validate_their_options(step: type) -> None:
    with pytest.raises(ValueError, match="epochs"):
        step(epochs=0)
    with pytest.raises(ValueError, match="learning_rate"):
        step(learning_rate=0.0)


def network(**settings: object) -> keras.Model:
    config = ImageModelConfig(stem_channels=8, channels=(16, 32), blocks=(1, 1), strides=(1, 2), **settings)  # type: ignore[arg-type]
    return build_classifier(config, height=32, width=32, channels=1, classes=3)


def test_notes_state_the_limitations_of_steps() -> None:
    def notes(*steps: ImageStep, **settings: object) -> tuple[str, ...]:
        return notes_of(ImageRecipe("test", steps), network(**settings))

    assert "runs no faster" in notes(ImagePrune(), ImageQuantize("int8-qat"))[0]
    assert "stem is not a 3×3 convolution of three channels" in notes(ImagePrune(sparse_storage=True))[0]
    assert "use int8-qat" in notes(ClusterWeights(), ImageQuantize("int8"))[0]
    assert "stem_swish" in notes(ImageQuantize("int8-qat"), activation="hard-swish")[0]
    assert notes(PruneChannels(), ImageQuantize("int8-qat")) == ()


@pytest.mark.parametrize(
    ("steps", "part"),
    [
        ((ImageDistil(model=ImageModelConfig()), ImageQuantize()), "larger images"),
        ((ImageDistil(feature_weight=1.0, feature_layer="stage_9"),), "no layer 'stage_9'"),
        (
            (
                ImageDistil(model=ImageModelConfig("cnn", channels=(8,), blocks=(2,), strides=(1,))),
                ImagePrune(layers="1x1"),
            ),
            "1×1",
        ),
        ((ImageDistil(), ClusterWeights(clusters=100_000)), "fewer clusters"),
        ((ImageDistil(), ImageQuantize(float_layers=("block_9",))), "no layer 'block_9'"),
    ],
    ids=["student", "features", "prune", "cluster", "float layers"],
)
def test_unsupported_steps_raise_before_training(
    digits: ImageDataset, steps: tuple[ImageStep, ...], part: str
) -> None:
    config = ImageModelConfig(stem_channels=8, channels=(16, 32), blocks=(1, 1), strides=(1, 2))
    model = network()
    with pytest.raises(RecipeError, match=part):
        check_image_recipe(ImageRecipe("test", steps), model, config, digits)
