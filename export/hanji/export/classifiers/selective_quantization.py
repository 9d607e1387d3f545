"""Selective quantization: a compressed classifier with some layers kept in float32, and its recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hanji.compression.classifiers.compress import uncompressed_classifier
from hanji.compression.classifiers.compressed import ABOUT, CompressedClassifier, load_compressed_classifier
from hanji.compression.classifiers.quantization.quantize import calibration_images
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize, ImageStep
from hanji.training.classifiers.data import ImageDataConfig, load_images
from hanji.training.classifiers.trained import ABOUT as ABOUT_TRAINED
from hanji.training.classifiers.trained import load_classifier
from hanji.training.errors import DataError, RecipeError
from hanji.training.settings import settings_from


def classifier_to_debug(directory: Path, data: Path | None) -> CompressedClassifier:
    """Load the output of `hanji compress`, or that of `hanji train` with batch normalization folded.

    For the latter, calibration images are taken from ``data``. Raises DataError if the directory contains
    neither.
    """
    if (directory / ABOUT).exists():
        return load_compressed_classifier(directory)
    if not (directory / ABOUT_TRAINED).exists():
        raise DataError(
            f"{directory}: expected an image classifier written by `hanji compress` or `hanji train`, found "
            f"neither {ABOUT} nor {ABOUT_TRAINED}"
        )
    trained = load_classifier(directory)
    config = settings_from(ImageDataConfig, trained.data.config, f"{directory}: data")
    dataset = load_images(config, data, seed=trained.seed)
    samples = calibration_images(dataset.train, ImageQuantize.calibration_images, trained.seed)
    return uncompressed_classifier(trained, samples)


def with_float_layers(compressed: CompressedClassifier, layers: Sequence[str]) -> CompressedClassifier:
    """``compressed`` in int8 with these layers in float32, and a recipe to match.

    Raises RecipeError for a network from quantization-aware training, which would have to be retrained.
    """
    if compressed.plain is not None:
        raise RecipeError(
            "int8-qat: expected a network to be quantized after training, found one from quantization-aware "
            "training; add float_layers to the recipe and build again, or compress with int8"
        )
    steps = (*_other_steps(compressed.recipe), _quantize(compressed.recipe, layers))
    recipe = ImageRecipe(compressed.recipe.name, steps)
    return replace(compressed, scheme="int8", float_layers=tuple(layers), recipe=recipe, sparse=False)


def recipe_snippet(recipe: ImageRecipe, layers: Sequence[str]) -> str:
    """The ``[[compression]]`` table, in TOML, that keeps these layers in float32."""
    names = ", ".join(json.dumps(layer, ensure_ascii=False) for layer in layers)
    scheme = _quantize(recipe, layers).scheme
    return f'[[compression]]\ntype = "quantize"\nscheme = "{scheme}"\nfloat_layers = [{names}]\n'


def _quantize(recipe: ImageRecipe, layers: Sequence[str]) -> ImageQuantize:
    """The recipe's quantization step if it supports float layers, otherwise a default int8 step."""
    own = next((step for step in recipe.steps if isinstance(step, ImageQuantize)), None)
    if own is None or own.scheme not in ("int8", "int8-qat"):
        own = ImageQuantize(scheme="int8")
    return replace(own, float_layers=tuple(layers))


def _other_steps(recipe: ImageRecipe) -> list[ImageStep]:
    return [step for step in recipe.steps if not isinstance(step, ImageQuantize)]


__all__ = ["classifier_to_debug", "recipe_snippet", "with_float_layers"]
