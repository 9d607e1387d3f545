"""Keras files that name code: each known trick would write a marker file, and none may."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from hanji.runtime.cli import main
from hanji.training.classifiers.models.loading import load_network
from hanji.training.classifiers.untrusted.keras_config import expect_known_config
from hanji.training.classifiers.untrusted.keras_file import expect_known_keras_file
from hanji.training.classifiers.untrusted.trust import trusting_code
from hanji.training.errors import DataError

L = tf_keras.layers


def network() -> tf_keras.Model:
    image = tf_keras.Input((8, 8, 3))
    features = L.Conv2D(4, 3, activation="relu", name="first")(image)
    return tf_keras.Model(image, L.Dense(3)(L.Flatten()(features)))


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The file with the config of its layer "first" changed."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    change(next(layer for layer in config["config"]["layers"] if layer["config"]["name"] == "first"))
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def system_call(marker: Path) -> dict[str, Any]:
    """A layer that calls os.system with a constant."""
    function = {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"}
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "first", "function": function, "arguments": {"command": f"touch {marker}"}},
    }


def named(class_name: str, module: str | None, **config: object) -> dict[str, Any]:
    return {"class_name": class_name, "module": module, "config": config}


TRICKS: dict[str, Callable[[dict[str, Any], Path], object]] = {
    "Lambda": lambda layer, marker: layer.update(system_call(marker)),
    "function of a module": lambda layer, _: layer["config"].update(
        activation={"class_name": "function", "module": "os", "config": "system", "registered_name": "x"}
    ),
    "function of builtins": lambda layer, _: layer["config"].update(
        activation={"class_name": "function", "module": "builtins", "config": "exec"}
    ),
    "function by path": lambda layer, _: layer["config"].update(
        activation={"class_name": "function", "module": "keras.activations", "config": "relu.__globals__"}
    ),
    "class of a module": lambda layer, _: layer["config"].update(
        kernel_initializer=named("Popen", "subprocess", args=["touch", "x"])
    ),
    "lambda as bytecode": lambda layer, _: layer["config"].update(
        activation={"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    ),
    "type by module": lambda layer, _: layer["config"].update(
        kernel_initializer={"class_name": "__typespec__", "module": "os", "spec_name": "system", "config": []}
    ),
    "custom class": lambda layer, _: layer.update(class_name="Custom>Evil"),
    "own prefix": lambda layer, _: layer.update(class_name="hanji>Evil"),
    "download": lambda layer, _: layer["config"].update(
        activation={"class_name": "function", "module": "keras.utils", "config": "get_file"}
    ),
    "SavedModel layer": lambda layer, _: layer.update(named("TFSMLayer", "keras.layers", filepath="/x")),
    "vocabulary": lambda layer, _: layer.update(
        named("StringLookup", "keras.layers", vocabulary="/etc/passwd")
    ),
    "compiled nested model": lambda layer, _: layer.update(
        compile_config={"optimizer": named("system", "os", command="x")}
    ),
    "TensorFlow function": lambda layer, _: layer.update(
        named("TFOpLambda", "keras.layers", function="io.write_file", name="first")
    ),
    "Python function": lambda layer, _: layer.update(
        named("TFOpLambda", "keras.layers", function="py_function", name="first")
    ),
    "deep": lambda layer, _: layer["config"].update(name=json.loads("[" * 900 + "]" * 900)),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_refuses_what_names_code(trick: str, tmp_path: Path, marker: Path) -> None:
    path = tmp_path / "model.keras"
    network().save(path)
    changed(path, lambda layer: TRICKS[trick](layer, marker))
    with pytest.raises(DataError, match=r"model\.keras: .*(--trust-code|nested too deep)"):
        load_network(path)
    assert not marker.exists()


@pytest.mark.parametrize("command", ["profile", "compress"])
def test_no_command_runs_it(
    command: str, tmp_path: Path, marker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.keras"
    network().save(path)
    changed(path, lambda layer: layer.update(system_call(marker)))
    more = ["--recipe", "int8", "--data", tmp_path, "--scale", "1", "--out", tmp_path / "out"]
    arguments = [command, path, *(more if command == "compress" else [])]
    assert main([str(argument) for argument in arguments]) == 1
    error = capsys.readouterr().err
    assert "layer 'first': names the class Lambda of keras.layers, which may be code" in error
    assert not marker.exists()


def test_trust_code_loads_it(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    image = tf_keras.Input((4,))
    tf_keras.Model(image, L.Lambda(lambda x: x * 2.0)(image)).save(path)
    with pytest.raises(DataError, match="names the class Lambda"):
        load_network(path)
    with trusting_code():
        assert load_network(path)(np.ones((1, 4), np.float32)).numpy().tolist() == [[2.0] * 4]


def test_refuses_a_function_in_an_h5_file(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    image = tf_keras.Input((4,))
    tf_keras.Model(image, L.Lambda(lambda x: x * 2.0)(image)).save(path)
    with pytest.raises(DataError, match="names the class Lambda"):
        load_network(path)


@pytest.mark.parametrize("kind", ["link", "external", "virtual"])
def test_refuses_weights_in_another_file(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["weights"] = np.arange(4.0)
    path = tmp_path / "model.h5"
    network().save(path)
    with h5py.File(path, "a") as file:
        group = file.create_group("more/below")
        if kind == "link":
            group["weights"] = h5py.ExternalLink(str(secret), "weights")
        elif kind == "external":
            group.create_dataset("weights", (4,), "f8", external=[(str(secret), 0, 32)])
        else:
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(secret), "weights", (4,))
            group.create_virtual_dataset("weights", layout)
    with pytest.raises(DataError, match=r"more/below/weights.*another file"):
        load_network(path)


def test_refuses_a_config_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.keras"
    network().save(path)
    monkeypatch.setattr("hanji.training.classifiers.untrusted.keras_file.LARGEST_CONFIG", 100)
    with pytest.raises(DataError, match=r"config\.json: expected at most 100 bytes"):
        expect_known_keras_file(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + b"\0" * 500]
)
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"model\.h5"):
        load_network(path)


def with_operators() -> tf_keras.Model:
    image = tf_keras.Input((16, 16, 3))
    operators = tf.nn.relu6(tf.image.resize(image, (8, 8)) * 2.0 - 1.0)
    operators = tf.concat([operators, tf.math.sigmoid(operators)], axis=-1)[:, 1:]
    return tf_keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(operators)))


def nested() -> tf_keras.Model:
    inner = network()
    inner.compile("adam", "mse", metrics=["mae"])
    return tf_keras.Sequential([inner, L.Dense(2, kernel_regularizer="l2")])


def recurrent() -> tf_keras.Model:
    return tf_keras.Sequential([tf_keras.Input((4, 3)), L.Bidirectional(L.GRU(3)), L.Dense(2)])


def mobilenet() -> tf_keras.Model:
    return tf_keras.applications.MobileNetV3Small((32, 32, 3), weights=None, classes=4, alpha=0.75)


@pytest.mark.parametrize("kind", [".keras", ".h5"])
@pytest.mark.parametrize("made", [with_operators, nested, recurrent, mobilenet])
def test_loads_ordinary_models(made: Callable[[], tf_keras.Model], kind: str, tmp_path: Path) -> None:
    """Each has something that the check might take for code."""
    path = tmp_path / f"model{kind}"
    model = made()
    model.save(path)
    assert load_network(path).count_params() == model.count_params()


def test_loads_ordinary_models_of_keras_3(tmp_path: Path) -> None:
    import keras

    image = keras.Input((16, 16, 3))
    features = keras.ops.relu(keras.layers.Conv2D(4, 3, kernel_initializer="he_normal")(image) * 2.0)
    features = keras.layers.Activation(keras.activations.gelu)(keras.layers.RandomFlip()(features))
    model = keras.Model(image, keras.ops.softmax(keras.layers.Dense(3)(keras.layers.Flatten()(features))))
    model.compile("adam", keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    nested = keras.Sequential([model, keras.layers.Dense(2, dtype="mixed_float16")])
    for made in (model, nested):
        path = tmp_path / "model.keras"
        made.save(path)
        expect_known_keras_file(path)


def test_a_config_without_classes_is_known() -> None:
    expect_known_config({"name": "x", "layers": [1, None, "y"]}, "config")


def test_an_archive_without_a_config_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "2.15"}')
    path = tmp_path / "model.keras"
    path.write_bytes(content.getvalue())
    with pytest.raises(DataError, match=r"config\.json"):
        load_network(path)
