"""Preprocessing for a model trained elsewhere, from options or from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from hanji.compression.classifiers.foreign.preprocessing import (
    Preprocessing,
    add_preprocessing_options,
    preprocessing_of,
)
from hanji.training.errors import RecipeError


def parsed(*options: str) -> Preprocessing:
    parser = argparse.ArgumentParser()
    add_preprocessing_options(parser)
    return preprocessing_of(parser.parse_args(list(options)), Preprocessing)


def test_options_and_a_file_are_equivalent(tmp_path: Path) -> None:
    file = tmp_path / "preprocessing.toml"
    file.write_text("scale = 0.5\nmean = [1, 2.5, 3]\nstd = [2.0]\nheight = 12\nwidth = 10\n")
    options = parsed("--scale", "1/2", "--mean", "1,2.5,3", "--std", "2", "--size", "12x10")
    assert parsed("--preprocessing", str(file)) == options
    assert options == Preprocessing(scale=0.5, mean=(1.0, 2.5, 3.0), std=(2.0,), height=12, width=10)


def test_scale_is_folded_into_mean_and_deviation() -> None:
    image_input = parsed("--scale", "1/255", "--mean", "0.5", "--std", "0.25").image_input(8, 8, 3)
    assert image_input.mean == pytest.approx((127.5,) * 3)
    assert image_input.std == pytest.approx((63.75,) * 3)
    assert image_input.normalized_by == "graph"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ([], "--scale 1 for a model with its own scaling"),
        (["--size", "96x96"], "expected the scaling of the model's input"),
        (["--scale", "1/255", "--preprocessing", "p.toml"], "found --scale; leave them out"),
        (["--scale", "small"], "--scale: expected a number or a fraction"),
        (["--scale", "1/0"], "1/0"),
        (["--mean", "1,,2"], "--mean"),
        (["--std", "0"], "std: expected above 0"),
        (["--scale", "1", "--size", "96"], "96x96"),
    ],
)
def test_invalid_options_raise(options: list[str], part: str) -> None:
    with pytest.raises(RecipeError, match=part):
        parsed(*options)


def test_means_for_other_channels_raise() -> None:
    with pytest.raises(RecipeError, match="one for each of 1 channels"):
        parsed("--mean", "1,2,3").image_input(8, 8, 1)


def test_an_unknown_key_raises(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("means = [1]")
    with pytest.raises(RecipeError, match="did you mean 'mean'"):
        parsed("--preprocessing", str(tmp_path / "p.toml"))
