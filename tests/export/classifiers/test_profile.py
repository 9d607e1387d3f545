"""Parameters and multiply-accumulates, compared with hand-computed or published numbers."""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import tf_keras as keras

from hanji.export.classifiers.inspection import keras_profile
from hanji.export.commands import profile as command
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.profile import profile
from hanji.training.errors import ConversionError, HanjiError

L = keras.layers

STANDARD = 603_979_776
SEPARABLE = 69_468_160


def run(*arguments: str | Path) -> int:
    """Run `hanji profile` with these arguments."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(map(str, arguments))))


def network(*layers: L.Layer, shape: tuple[int | None, ...] = (32, 32, 256)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers])


def test_standard_and_depthwise_separable_convolutions() -> None:
    standard = profile(network(L.Conv2D(256, 3, padding="same", use_bias=False)))
    separable = [
        network(L.SeparableConv2D(256, 3, padding="same")),
        network(L.DepthwiseConv2D(3, padding="same"), L.BatchNormalization(), L.Conv2D(256, 1)),
    ]
    assert standard.macs == STANDARD
    assert [profile(model).macs for model in separable] == [SEPARABLE, SEPARABLE]
    assert standard.parameters == 3 * 3 * 256 * 256


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (L.Conv2D(6, 3, strides=2), 3 * 3 * 4 * 6 * 3 * 3),
        (L.Conv2D(6, 3, groups=2, padding="same"), 8 * 8 * 2 * 6 * 3 * 3),
        (L.DepthwiseConv2D(3, depth_multiplier=2), 6 * 6 * 4 * 2 * 3 * 3),
        (L.SeparableConv2D(5, 3, depth_multiplier=2), 6 * 6 * (4 * 2 * 3 * 3 + 4 * 2 * 5)),
        (L.Conv2DTranspose(5, 2, strides=2), 8 * 8 * 4 * 5 * 2 * 2),
        (L.Dense(3), 8 * 8 * 4 * 3),
        (L.BatchNormalization(), 0),
        (L.MaxPooling2D(), 0),
    ],
)
def test_kinds_of_layers(layer: L.Layer, macs: int) -> None:
    model = network(layer, shape=(8, 8, 4))
    found = profile(model)
    assert (found.macs, found.uncounted) == (macs, ())
    assert found.parameters == model.count_params()


def test_a_shared_layer_counts_its_weights_once() -> None:
    image = keras.Input((8, 8, 4))
    twice = L.Conv2D(4, 1, name="twice")
    found = profile(keras.Model(image, twice(twice(image))))
    assert (found.parameters, found.macs) == (20, 2 * 8 * 8 * 4 * 4)


def test_a_mirrored_network_has_twice_the_macs() -> None:
    shape = {"channels": (8,), "blocks": (1,), "strides": (1,), "stem_channels": 8}
    plain, mirrored = (
        profile(
            build_classifier(
                ImageModelConfig(**shape, mirrored=flag), height=8, width=8, channels=1, classes=2
            )
        )
        for flag in (False, True)
    )
    assert (mirrored.macs, mirrored.parameters) == (2 * plain.macs, plain.parameters)


def test_nested_models_are_counted_layer_by_layer() -> None:
    nested = network(L.Conv2D(4, 1, name="deep"), shape=(8, 8, 4))
    found = profile(network(nested, L.GlobalAveragePooling2D(), L.Dense(2, name="head"), shape=(8, 8, 4)))
    assert [row.layer for row in found.rows if row.macs] == ["deep", "head"]
    assert found.macs == 8 * 8 * 4 * 4 + 4 * 2


def test_an_unknown_type_of_layer_is_reported() -> None:
    model = network(L.Reshape((8, 32)), L.GRU(4, name="gru"), L.Dense(2), shape=(8, 8, 4))
    found = profile(model)
    assert found.uncounted == ("gru",)
    assert found.macs == 4 * 2
    assert "not counted" in found.lines()[-1]


@pytest.mark.parametrize(
    ("config", "trainable", "millions_of_macs"),
    [
        # Howard et al. 2017, table 8; Sandler et al. 2018, table 4; Zhang et al. 2017, table 1.
        (ImageModelConfig("mobilenet-v1"), 4_231_976, 569),
        (ImageModelConfig("mobilenet-v1", width_multiplier=0.5), 1_331_592, 149),
        (ImageModelConfig("mobilenet-v2"), 3_504_872, 301),
        (ImageModelConfig("mobilenet-v2", width_multiplier=0.5), 1_968_680, 97),
        (ImageModelConfig("shufflenet", groups=1), 1_531_936, 143),
        (ImageModelConfig("shufflenet", groups=3), 1_865_728, 137),
    ],
)
def test_networks_of_the_papers(config: ImageModelConfig, trainable: int, millions_of_macs: int) -> None:
    found = profile(build_classifier(config, height=224, width=224, channels=3, classes=1000))
    assert found.trainable == trainable
    assert round(found.macs / 1e6) == millions_of_macs


def test_another_input_size() -> None:
    model = network(L.Conv2D(4, 3, padding="same"), L.GlobalMaxPooling2D(), L.Dense(2), shape=(None, None, 1))
    with pytest.raises(ValueError, match="is unknown; give the size of the image"):
        profile(model)
    assert profile(model, (8, 8, 1)).macs == 8 * 8 * 9 * 4 + 8
    with pytest.raises(ValueError, match="does not accept 8×8×3"):
        profile(model, (8, 8, 3))


@pytest.fixture
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count Keras files in this process: TensorFlow takes seconds to start in another."""

    def call(function: str, arguments: dict[str, Any], **_: Any) -> None:
        assert function == f"{keras_profile.__name__}:write_profile"
        keras_profile.write_profile(**json.loads(json.dumps(arguments)))

    monkeypatch.setattr(keras_profile, "call_in_child", call)


@pytest.mark.usefixtures("_in_process")
def test_command_with_a_keras_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("net.keras", "net.h5"):
        network(L.Conv2D(256, 3, padding="same")).save(tmp_path / name)
        assert run(tmp_path / name) == 0
        assert f"{STANDARD:,}" in capsys.readouterr().out
    assert run(tmp_path / "net.keras", "--input", "16x16x256", "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert table["macs"] == STANDARD // 4
    assert table["layers"][0]["output_shape"] == [16, 16, 256]


def recipe(directory: Path, data: str = "", model: str = "", task: str = "image-classification") -> str:
    path = directory / "recipe.toml"
    path.write_text(f'name = "r"\ntask = "{task}"\n[data]\n{data}\n[model]\n{model}\n', encoding="utf-8")
    return str(path)


def test_command_with_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = "channels = [8]\nblocks = [1]\nstrides = [1]\nstem_channels = 8"
    assert run(recipe(tmp_path, model=small), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["inputs"], table["layers"][-1]["output_shape"]) == ([[8, 8, 1]], [10])
    folder = recipe(tmp_path, 'name = "f"\nformat = "folder"\nheight = 16\nwidth = 16', small)
    assert run(folder, "--classes", "3", "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["inputs"], table["layers"][-1]["output_shape"]) == ([[16, 16, 3]], [3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "recommendation"}, "expected a recipe with task"),
        ({"data": 'name = "m"\nformat = "idx"'}, "give --input"),
        ({"data": 'name = "m"\nformat = "idx"\ncolour = "grey"\nheight = 28\nwidth = 28'}, "give --classes"),
        ({}, "needs larger images"),
        ({"model": "width = 2"}, "unknown key 'width'"),
    ],
)
def test_invalid_recipes(arguments: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(HanjiError, match=re.escape(message)):
        run(recipe(tmp_path, **arguments))


@pytest.mark.usefixtures("_in_process")
def test_invalid_files(tmp_path: Path) -> None:
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    (tmp_path / "model.pt").write_bytes(b"")
    (tmp_path / "model.zip").write_bytes(b"")
    unsafe = tmp_path / "unsafe.h5"
    network(L.Lambda(lambda x: x)).save(unsafe)
    messages = {
        "broken.keras": "cannot load this model",
        "missing.keras": "found none",
        "model.pt": "a file of PyTorch is a program",
        "model.zip": "expected a recipe",
        "unsafe.h5": "Lambda",
    }
    for name, message in messages.items():
        with pytest.raises(HanjiError, match=re.escape(message)):
            run(tmp_path / name)


def test_a_keras_file_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    small, large = tmp_path / "small.keras", tmp_path / "large.keras"
    network(L.Dense(4, name="head"), shape=(8,)).save(small)
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(large, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"units": 4', b'"units": 1099511627776'))
    with pytest.raises(ConversionError, match=rf"^{re.escape(str(large))}: tf_keras cannot .*OOM when"):
        run(large)


@pytest.mark.usefixtures("_in_process")
def test_a_file_of_keras_3_is_reported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "new.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
    with pytest.raises(HanjiError, match=r"saved by Keras 3\.8\.0.*build the model with tf_keras"):
        run(tmp_path / "new.keras")


def test_a_saved_model_has_no_layers_to_count(tmp_path: Path) -> None:
    network(L.Conv2D(2, 3)).save(tmp_path / "saved", save_format="tf")
    with pytest.raises(HanjiError, match=r"saved: .*a SavedModel has none; profile the tf_keras model"):
        run(tmp_path / "saved")


@pytest.mark.parametrize(
    ("option", "value"), [("--input", "28x28"), ("--input", "0x1x1"), ("--classes", "1")]
)
def test_invalid_options(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("model.keras", option, value)
    assert caught.value.code == 2
    assert "expected" in capsys.readouterr().err
