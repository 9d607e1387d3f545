"""`hanji bundle`: wrapping existing models without conversion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf_keras as keras
from onnx import helper, numpy_helper

from hanji.compression.classifiers.files.labels import ClassNames, read_labels
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.evaluate import classifier_test_set, evaluate_classifier_bundle
from hanji.export.classifiers.wrap.bundled_file import UNCHANGED
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.export.commands import bundle as command
from hanji.runtime import Classifier
from hanji.runtime.cli import main
from hanji.training.errors import ConversionError, DataError, RecipeError
from hanji.training.settings import settings_from

LABELS = ClassNames("labels.txt", ("red", "green", "blue"))
SETTINGS = settings_from(WrapSettings, {"scale": 1 / 255, "mean": [0.5], "std": [0.25]}, "test")
COLOURS = np.eye(3, dtype=np.uint8) * 200 + 30


def colour_net(softmax: bool = True, channels: int = 3) -> keras.Model:
    """A model that predicts the strongest channel: normalized images [B, 8, 8, 3] → [B, 3]."""
    image = keras.Input((8, 8, channels), batch_size=1, name="picture")
    means = keras.layers.GlobalAveragePooling2D()(image)
    kernel = keras.initializers.Constant(np.eye(channels, 3) * 2)
    dense = keras.layers.Dense(3, activation="softmax" if softmax else None, kernel_initializer=kernel)
    return keras.Model(image, dense(means))


def tflite(model: keras.Model, **options: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in options.items():
        setattr(converter, name, value)
    return bytes(converter.convert())


def integer_options(dtype: Any) -> dict[str, Any]:
    def samples() -> Any:
        rng = np.random.default_rng(0)
        for _ in range(50):
            pixels = rng.integers(0, 256, (1, 1, 1, 3)).repeat(8, 1).repeat(8, 2)
            yield [((pixels / 255 - 0.5) / 0.25).astype(np.float32)]

    return {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": samples,
        "inference_input_type": dtype,
        "inference_output_type": dtype,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "colours.tflite"


def colours(bundle: Path, engine: str) -> list[str]:
    """The labels that a bundle predicts for a red, a green and a blue image."""
    with Classifier.open(bundle, engine=engine) as classifier:
        assert classifier.self_test().passed
        samples = [np.broadcast_to(colour, (20, 30, 3)) for colour in COLOURS]
        return [found[0].label for found in classifier.classify_batch(samples, k=1)]


@pytest.mark.parametrize("dtype", [tf.float32, tf.uint8, tf.int8])
def test_a_tflite_file_is_wrapped_unchanged(path: Path, out: Path, dtype: Any) -> None:
    options = {} if dtype == tf.float32 else integer_options(dtype)
    path.write_bytes(tflite(colour_net(), **options))
    (artifact,) = wrap_model(path, out, labels=LABELS, settings=SETTINGS).artifacts
    assert (out / "model.tflite").read_bytes() == path.read_bytes()
    assert colours(out, "litert") == ["red", "green", "blue"]
    tensor = artifact.signatures["classify"].inputs[0]
    assert tensor.dtype == dtype.name
    assert (tensor.scale is None) is (dtype == tf.float32)
    assert artifact.precision == ("float32" if dtype == tf.float32 else "int8")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["artifacts"][0]["parity"] == {"checked": False, "reason": UNCHANGED}
    assert manifest["picture"]["normalized_by"] == "runtime"
    assert manifest["picture"]["mean"] == pytest.approx([127.5] * 3)
    assert manifest["probabilities"]["source"] == "graph"
    assert manifest["model"] == {"type": "wrapped", "parameters": 9, "full_parameters": 9}


def test_a_model_that_takes_pixel_values_normalizes_them_itself(path: Path, out: Path) -> None:
    image = keras.Input((8, 8, 3), batch_size=1, dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 64, offset=-2)(
        keras.layers.Lambda(lambda x: tf.cast(x, tf.float32))(image)
    )
    path.write_bytes(tflite(keras.Model(image, colour_net()(scaled))))
    with pytest.raises(RecipeError, match=r"takes pixel values 0 to 255.*leave scale, mean and std out"):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)
    wrap_model(path, out, labels=LABELS, settings=WrapSettings())
    assert json.loads((out / "manifest.json").read_text())["picture"]["normalized_by"] == "graph"
    assert colours(out, "litert") == ["red", "green", "blue"]


def test_a_model_exported_by_hanji_can_be_wrapped(bundle: Any, out: Path) -> None:
    labels = ClassNames("labels.txt", tuple("0123456789"))
    wrap_model(bundle("int8").path / "model.tflite", out, labels=labels, settings=WrapSettings())
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    with Classifier.open(out) as wrapped, Classifier.open(bundle("int8").path, engine="litert") as original:
        np.testing.assert_array_equal(wrapped.probabilities(image), original.probabilities(image))


def onnx_file(path: Path, *, channels_first: bool, size: Any = 8, softmax: bool = True) -> None:
    """Write the same network as ONNX, with channels first or last."""
    shape = ["batch", 3, size, size] if channels_first else [1, size, size, 3]
    axes = [2, 3] if channels_first else [1, 2]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["found"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes if softmax else nodes[:2],
        "colours",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(
                "found" if softmax else "logits", onnx.TensorProto.FLOAT, [shape[0], 3]
            )
        ],
        [numpy_helper.from_array(np.eye(3, dtype=np.float32) * 2, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("size", [8, "any"])
def test_an_onnx_file_is_wrapped_in_either_layout(
    tmp_path: Path, out: Path, channels_first: bool, size: Any
) -> None:
    path = tmp_path / "colours.onnx"
    onnx_file(path, channels_first=channels_first, size=size)
    table = {"scale": 1 / 255, "mean": [0.5], "std": [0.25]}
    sides = {} if size == 8 else {"height": 12, "width": 16}
    settings = settings_from(WrapSettings, {**table, **sides}, "test")
    (artifact,) = wrap_model(path, out, labels=LABELS, settings=settings).artifacts
    assert artifact.signatures["classify"].inputs[0].shape[1:] == ((8, 8, 3) if size == 8 else (12, 16, 3))
    assert colours(out, "onnxruntime") == ["red", "green", "blue"]
    assert ("Transpose was inserted" in (out / "MODEL_CARD.md").read_text()) is channels_first


def test_logits_become_probabilities_on_the_device(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "colours.onnx"
    onnx_file(path, channels_first=True, softmax=False)
    with pytest.raises(RecipeError, match=r'expected probabilities, found outputs.*set gives = "logits"'):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)
    table = {"scale": 1 / 255, "mean": [0.5], "std": [0.25], "gives": "logits", "temperature": 2.0}
    wrap_model(path, out, labels=LABELS, settings=settings_from(WrapSettings, table, "test"))
    with Classifier.open(out) as classifier:
        assert classifier.probabilities(np.zeros((8, 8, 3), np.uint8)).tolist() == pytest.approx([1 / 3] * 3)
        assert classifier.self_test().passed


def test_probabilities_are_not_accepted_as_logits(path: Path, out: Path) -> None:
    path.write_bytes(tflite(colour_net()))
    settings = settings_from(WrapSettings, {"scale": 1 / 255, "gives": "logits"}, "test")
    with pytest.raises(RecipeError, match="found outputs that are probabilities; leave gives out"):
        wrap_model(path, out, labels=LABELS, settings=settings)


def test_golden_uses_the_images_of_a_folder(path: Path, out: Path, tmp_path: Path) -> None:
    from PIL import Image

    path.write_bytes(tflite(colour_net()))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, colour in enumerate(COLOURS):
        Image.fromarray(np.broadcast_to(colour, (9, 9, 3)).copy()).save(folder / f"{number}.png")
    wrap_model(path, out, labels=LABELS, settings=SETTINGS, samples=folder)
    golden = json.loads((out / "golden.json").read_text())
    assert [case["label"] for case in golden["artifacts"]["tflite"]["cases"]] == [0, 1, 2]


def test_a_wrapped_model_is_evaluated_on_user_supplied_images(path: Path, out: Path, tmp_path: Path) -> None:
    from PIL import Image

    path.write_bytes(tflite(colour_net()))
    wrap_model(path, out, labels=LABELS, settings=SETTINGS)
    rng = np.random.default_rng(0)
    for label, colour in zip(LABELS.labels, COLOURS, strict=True):
        folder = tmp_path / "data" / label
        folder.mkdir(parents=True)
        for number in range(8):
            noisy = (colour + rng.integers(0, 20, (10, 12, 3))).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{number}.png")
    with Classifier.open(out) as classifier:
        manifest = classifier.manifest
    dataset = classifier_test_set(manifest, tmp_path / "data")
    assert len(dataset.test) == 24
    assert evaluate_classifier_bundle(out, dataset)["top1"] == 1.0
    with pytest.raises(DataError, match="is a wrapped model with unknown training data"):
        classifier_test_set(manifest, None)


def dense_net() -> keras.Model:
    vector = keras.Input((5,), batch_size=1)
    return keras.Model(vector, keras.layers.Dense(3)(vector))


def segmentation_net() -> keras.Model:
    image = keras.Input((8, 8, 3), batch_size=1)
    return keras.Model(image, keras.layers.Conv2D(3, 1)(image))


def two_headed_net() -> keras.Model:
    keras.utils.set_random_seed(0)  # some weights give logits that all lie between 0 and 1
    image = keras.Input((8, 8, 3), batch_size=1)
    means = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, [keras.layers.Dense(3)(means), keras.layers.Dense(2)(means)])


def test_the_output_with_one_value_per_label_is_used(path: Path, out: Path) -> None:
    path.write_bytes(tflite(two_headed_net()))
    with pytest.raises(RecipeError, match=r'the output .*: expected probabilities.*set gives = "logits"'):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)
    settings = settings_from(WrapSettings, {"scale": 1 / 255, "gives": "logits"}, "test")
    (artifact,) = wrap_model(path, out, labels=LABELS, settings=settings).artifacts
    assert artifact.signatures["classify"].outputs[0].shape == (1, 3)
    labels = ClassNames("labels.txt", ("a", "b", "c", "d"))
    with pytest.raises(
        ConversionError, match=r"one value for each of 4 labels, found .*\[1, 3\].*set output"
    ):
        wrap_model(path, out, labels=labels, settings=settings)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            dense_net,
            r"expected an input \[1, height, width, 1 or 3 channels\] or .*, found '.*' of shape \[1, 5\]",
        ),
        (
            segmentation_net,
            r"expected an output \[1, classes\] with one value per class.*, found .* \[1, 8, 8, 3\]",
        ),
        (lambda: colour_net(channels=4), r"of shape \[1, 8, 8, 4\]"),
    ],
)
def test_other_models_are_rejected(path: Path, out: Path, model: Any, message: str) -> None:
    path.write_bytes(tflite(model()))
    with pytest.raises(ConversionError, match=message):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)
    assert not out.exists()


def test_the_number_of_labels_must_match_the_outputs(path: Path, out: Path) -> None:
    path.write_bytes(tflite(colour_net()))
    with pytest.raises(RecipeError, match=r"two\.txt: expected 3 labels, one for each output"):
        wrap_model(path, out, labels=ClassNames("two.txt", ("a", "b")), settings=SETTINGS)


@pytest.mark.parametrize("size", [0, 3, 40, 400, 900])
def test_a_damaged_tflite_file_is_a_clear_error(path: Path, out: Path, size: int) -> None:
    path.write_bytes(tflite(colour_net())[:size])
    with pytest.raises(
        ConversionError, match=r"colours\.tflite: expected a (TFLite file|model that LiteRT loads)"
    ):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07\x12"])
def test_a_damaged_onnx_file_is_a_clear_error(tmp_path: Path, out: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"model\.onnx: expected a TFLite file or a valid ONNX model"):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)


def test_a_missing_file_is_a_clear_error(path: Path, out: Path) -> None:
    with pytest.raises(ConversionError, match="cannot be read: No such file"):
        wrap_model(path, out, labels=LABELS, settings=SETTINGS)


def test_labels_are_read_from_text_and_json(tmp_path: Path) -> None:
    text, listed, table = (tmp_path / name for name in ("a.txt", "b.json", "c.json"))
    text.write_text("cat\n dog \n\n")
    listed.write_text('["cat", "dog"]')
    table.write_text('{"labels": ["cat", "dog"], "names": {"ko": ["고양이", "개"]}}', encoding="utf-8")
    assert [read_labels(path).labels for path in (text, listed, table)] == [("cat", "dog")] * 3
    assert read_labels(table).names == {"ko": ("고양이", "개")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "cat\n\ndog\n", "line 2: expected a label of 1 to 1000 characters, found 0"),
        ("a.txt", "", "expected a list of labels"),
        ("a.json", "[1, 2]", "labels: expected a list of labels"),
        ("a.json", "{", "not a JSON file"),
        ("a.json", '{"labels": ["a", "b"], "names": {"ko": ["x"]}}', r"names\.ko: expected 2 names"),
    ],
)
def test_invalid_labels_are_a_clear_error(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(RecipeError, match=message):
        read_labels(tmp_path / name)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"gives": "answers"}, "expected one of 'probabilities', 'logits', 'scores'"),
        ({"temperature": 2.0}, 'temperature goes with gives = "logits"'),
        ({"background": [1, 2]}, r"background: expected red, green and blue, found \[1, 2\]"),
        ({"meen": [1.0]}, "unknown key 'meen'"),
    ],
)
def test_settings_are_checked(table: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        settings_from(WrapSettings, table, "preprocessing.toml")


def test_the_command_writes_a_bundle_that_verifies(
    path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    path.write_bytes(tflite(colour_net()))
    path.with_name("labels.txt").write_text("red\ngreen\nblue\n")
    settings = path.with_name("preprocessing.toml")
    settings.write_text("scale = 0.00392156862745098\nmean = [0.5]\nstd = [0.25]\n")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    arguments = [path, "--labels", path.with_name("labels.txt"), "--preprocessing", settings, "--out", out]
    assert command.run(parser.parse_args([*map(str, arguments), "--name", "dominant colour"])) == 0
    printed = capsys.readouterr().out
    assert "tflite float32" in printed and UNCHANGED in printed and "NOT CHECKED" not in printed
    assert main(["verify", str(out)]) == 0
    assert main(["info", str(out)]) == 0
    assert "dominant colour" in capsys.readouterr().out
