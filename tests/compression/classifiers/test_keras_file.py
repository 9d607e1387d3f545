"""Models trained elsewhere: supported formats, conversion, and the recipes that they support."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from PIL import Image

from hanji.compression.classifiers.compressed import (
    CompressedClassifier,
    load_compressed_classifier,
    save_compressed_classifier,
)
from hanji.compression.classifiers.foreign.adopt import adopted
from hanji.compression.classifiers.foreign.keras_classifier import KerasClassifier
from hanji.compression.classifiers.foreign.keras_file import TRAINING, compress_keras_file
from hanji.compression.classifiers.foreign.opened import kind_of
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    ImageStep,
    PruneChannels,
)
from hanji.runtime.cli import main
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.errors import DataError, RecipeError

L = keras.layers
UNIT = Preprocessing(scale=1 / 255)
SHORT = replace(TRAINING, batch_size=16, learning_rate=0.01)


@pytest.fixture(scope="module")
def folder(digits: ImageDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 digits of each class as PNG files, one subfolder per class."""
    root = tmp_path_factory.mktemp("data") / "digits"
    for label in range(10):
        (root / str(label)).mkdir(parents=True)
        for row in np.flatnonzero(digits.train.labels == label)[:100]:
            Image.fromarray(digits.train.images[row, :, :, 0]).save(root / str(label) / f"{row}.png")
    return root


def sequential(last: str = "softmax") -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(16, 3, padding="same", use_bias=False, name="conv_1"),
            L.BatchNormalization(name="norm_1"),
            L.ReLU(name="relu_1"),
            L.Conv2D(24, 3, strides=2, padding="same", activation="relu", name="conv_2"),
            L.GlobalAveragePooling2D(name="pooling"),
            L.Dropout(0.1, name="dropout"),
            L.Dense(10, activation=last, name="scores"),
        ],
        name="mine",
    )


@pytest.fixture(scope="module")
def trained_elsewhere(digits: ImageDataset) -> keras.Model:
    """A model trained with plain Keras."""
    keras.utils.set_random_seed(0)
    model = sequential()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(digits.train.images / 255.0, digits.train.labels, batch_size=32, epochs=8, verbose=0)
    return model


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def run(
    path: Path,
    folder: Path,
    work: Path,
    *steps: ImageStep,
    preprocessing: Preprocessing = UNIT,
    training: ImageTrainingConfig = TRAINING,
) -> CompressedClassifier:
    recipe = ImageRecipe("test", steps)
    return compress_keras_file(
        path, recipe, folder, preprocessing=preprocessing, work=work, training=training
    )


def probabilities(compressed: CompressedClassifier, images: np.ndarray) -> np.ndarray:
    logits = ClassifierScorer(compressed.model, compressed.full.image_input).logits(images)
    return tf.nn.softmax(logits).numpy()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_keras_file_has_the_same_outputs(
    trained_elsewhere: keras.Model, digits: ImageDataset, folder: Path, tmp_path: Path, suffix: str
) -> None:
    path = saved(trained_elsewhere, tmp_path / f"mine{suffix}")
    compressed = run(path, folder, tmp_path / "work")
    images = digits.test.images
    np.testing.assert_allclose(
        probabilities(compressed, images), trained_elsewhere.predict(images / 255.0, verbose=0), atol=1e-5
    )
    assert compressed.config is None
    assert compressed.full.labels == tuple("0123456789")
    assert compressed.full.image_input.std == (255.0,)
    assert compressed.full.metrics["top1"] > 0.85
    assert "norm_1" not in [layer.name for layer in compressed.model.layers]


def test_a_keras_file_supports_every_recipe_and_is_saved_and_loaded(
    trained_elsewhere: keras.Model, digits: ImageDataset, folder: Path, tmp_path: Path
) -> None:
    path = saved(trained_elsewhere, tmp_path / "mine.keras")
    steps = (
        ImageDistil(epochs=15, views=1),
        PruneChannels(keep=0.75, criterion="l1", epochs=5),
        ImagePrune(0.5, epochs=2),
        ImageQuantize("int8-qat", epochs=2),
    )
    compressed = run(path, folder, tmp_path / "work", *steps, training=SHORT)
    assert compressed.scheme == "int8-qat"
    assert compressed.plain is not None
    assert compressed.plain.get_layer("conv_2").filters == 18
    assert compressed.metrics["top1"] > 0.65
    save_compressed_classifier(compressed, tmp_path / "compressed")
    loaded = load_compressed_classifier(tmp_path / "compressed")
    assert isinstance(loaded.full, KerasClassifier)
    for one, other in ((loaded, compressed), (loaded.full, compressed.full)):
        scores = [
            ClassifierScorer(classifier.model, compressed.full.image_input).logits(digits.test.images)
            for classifier in (one, other)
        ]
        np.testing.assert_array_equal(*scores)
    assert loaded.full.metrics == compressed.full.metrics


def test_a_saved_model_is_calibrated_but_not_trained(
    trained_elsewhere: keras.Model, digits: ImageDataset, folder: Path, tmp_path: Path
) -> None:
    tf.saved_model.save(trained_elsewhere, str(tmp_path / "saved"))
    compressed = run(
        tmp_path / "saved", folder, tmp_path / "work", ImageQuantize("int8", calibration_images=50)
    )
    images = digits.test.images
    np.testing.assert_allclose(
        probabilities(compressed, images), trained_elsewhere.predict(images / 255.0, verbose=0), atol=1e-5
    )
    assert compressed.model.count_params() == trained_elsewhere.count_params()
    # Export separates the network from the operations around it by the operation names.
    traced = tf.function(compressed.model).get_concrete_function(tf.TensorSpec([1, 8, 8, 1]))
    kernels = [operation.name for operation in traced.graph.get_operations() if operation.type == "Conv2D"]
    assert len(kernels) == 2
    assert all("saved_model/" in name for name in kernels)
    save_compressed_classifier(compressed, tmp_path / "compressed")
    loaded = load_compressed_classifier(tmp_path / "compressed")
    np.testing.assert_array_equal(probabilities(loaded, images), probabilities(compressed, images))
    for step in (ImageQuantize("int8-qat"), ImagePrune()):
        with pytest.raises(RecipeError, match=r"TFMOT.*SavedModel.*Use int8"):
            run(tmp_path / "saved", folder, tmp_path / "work", step)


KERAS_3 = """
import sys
import keras
image = keras.Input((8, 8, 1))
x = keras.layers.Conv2D(8, 3, activation="relu")(image)
x = keras.layers.GlobalAveragePooling2D()(x)
keras.Model(image, keras.layers.Dense(10, activation="softmax")(x)).save(sys.argv[1])
"""


def test_a_keras_3_file_is_calibrated_but_not_trained(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.keras"
    subprocess.run([sys.executable, "-c", KERAS_3, str(path)], check=True, capture_output=True)
    assert kind_of(path) == "keras 3"
    with pytest.raises(RecipeError, match=r"quantize \(int8-qat\).*Keras 3.*Use int8.*with tf_keras"):
        run(path, folder, tmp_path / "work", ImageQuantize("int8-qat"))
    compressed = run(path, folder, tmp_path / "work", ImageQuantize("int8", calibration_images=50))
    assert compressed.model.output_shape == (None, 10)
    assert [layer.name for layer in compressed.model.layers] == ["image", "saved_model"]  # no softmax
    save_compressed_classifier(compressed, tmp_path / "compressed")
    load_compressed_classifier(tmp_path / "compressed")


def nested() -> keras.Model:
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), L.Conv2D(4, 3, name="inner_conv"), L.ReLU()], name="base"
    )
    image = keras.Input((8, 8, 1), name="image")
    x = L.RandomFlip(name="flip")(image)
    x = L.Rescaling(1 / 127.5, offset=-1, name="rescaling")(x)
    x = inner(L.Conv2D(4, 3, padding="same", name="outer_conv")(x))
    x = L.Dense(3, name="dense")(L.GlobalAveragePooling2D()(x))
    return keras.Model(image, L.Softmax(name="softmax")(x))


RAW = ImageInput(height=8, width=8, channels=1, fit="crop", mean=(0.0,), std=(1.0,), normalized_by="graph")


def test_nested_networks_scaling_augmentation_and_softmax_are_removed() -> None:
    model = nested()
    compressed = adopted(model, RAW, "here", "probabilities")
    names = [layer.name for layer in compressed.model.layers]
    assert "inner_conv" in names
    assert not {"base", "flip", "rescaling", "softmax"} & {*names}
    assert (compressed.image_input.mean, compressed.image_input.std) == ((127.5,), (127.5,))
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    logits = ClassifierScorer(compressed.model, compressed.image_input).logits(images)
    np.testing.assert_allclose(
        tf.nn.softmax(logits).numpy(), model.predict(images.astype(np.float32), verbose=0), atol=1e-5
    )


def test_a_normalization_layer_is_folded_into_the_normalization_of_images() -> None:
    layer = L.Normalization(mean=[0.4], variance=[0.04])
    model = keras.Sequential([keras.Input((8, 8, 1)), L.Rescaling(1 / 255), layer, L.Flatten(), L.Dense(2)])
    compressed = adopted(model, RAW, "here", "logits")
    assert compressed.image_input.mean == pytest.approx((102.0,))
    assert compressed.image_input.std == pytest.approx((51.0,))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_softmax_may_be_an_activation_or_a_bare_function(dtype: str) -> None:
    image = keras.Input((8, 8, 1), dtype=dtype)
    flat = L.Flatten()(L.Rescaling(1 / 255)(image))
    ends = (L.Activation("softmax", name="end"), tf.nn.softmax, lambda x: x)
    for end, head in zip(ends, ("probabilities", "probabilities", "logits"), strict=True):
        model = keras.Model(image, end(L.Dense(3, name="dense")(flat)))
        assert [layer.name for layer in adopted(model, RAW, "here", head).model.layers][-1] == "dense"


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: sequential("sigmoid"), "found sigmoid in layer 'scores'"),
        (
            lambda: keras.Sequential([keras.Input((64,)), L.Dense(10)]),
            r"one input of images .*\(None, 64\)",
        ),
        (
            lambda: keras.Sequential([keras.Input((None, None, 1)), L.GlobalAveragePooling2D(), L.Dense(10)]),
            "--size 96x96",
        ),
        (
            lambda: keras.Sequential(
                [keras.Input((8, 8, 1)), L.Lambda(lambda x: x), L.Flatten(), L.Dense(10)]
            ),
            "Lambda|built-in Keras layers",
        ),
    ],
    ids=["sigmoid", "no image", "any size", "code"],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_unsupported_model_raises(make, part: str, suffix: str, folder: Path, tmp_path: Path) -> None:
    path = saved(make(), tmp_path / f"mine{suffix}")
    with pytest.raises(RecipeError, match=part):
        run(path, folder, tmp_path / "work")


def test_one_unit_is_for_two_classes(folder: Path, tmp_path: Path) -> None:
    path = saved(keras.Sequential([keras.Input((8, 8, 1)), L.Flatten(), L.Dense(1)]), tmp_path / "mine.keras")
    with pytest.raises(DataError, match=r"2 classes \(its output is one unit\), found 10"):
        run(path, folder, tmp_path / "work")


def test_a_model_of_any_size_uses_the_given_size(folder: Path, tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((None, None, 3)), L.Conv2D(4, 3, strides=2), L.GlobalAveragePooling2D(), L.Dense(10)]
    )
    path = saved(model, tmp_path / "mine.keras")
    sized = Preprocessing(scale=1 / 255, mean=(0.1, 0.2, 0.3), height=12, width=10)
    compressed = run(path, folder, tmp_path / "work", preprocessing=sized)
    assert compressed.full.image_input.shape == (12, 10, 3)
    assert compressed.full.image_input.mean == pytest.approx((25.5, 51.0, 76.5))


def test_a_folder_with_other_classes_raises(
    trained_elsewhere: keras.Model, folder: Path, tmp_path: Path
) -> None:
    path = saved(trained_elsewhere, tmp_path / "mine.keras")
    for label in "01":
        (tmp_path / "two" / label).mkdir(parents=True)
        for file in (folder / label).iterdir():
            (tmp_path / "two" / label / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match=r"the model's 10 classes, found 2 \(0, 1\)"):
        run(path, tmp_path / "two", tmp_path / "work")


def test_files_without_a_model_raise(tmp_path: Path) -> None:
    (tmp_path / "notes.keras").write_text("hello")
    for path in (tmp_path / "notes.keras", tmp_path, tmp_path / "nothing.keras"):
        with pytest.raises(DataError, match=str(path)):
            kind_of(path)


def test_the_command_compresses_a_keras_file(
    trained_elsewhere: keras.Model, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(trained_elsewhere, tmp_path / "mine.keras")
    arguments = [str(path), "--recipe", "int8-qat", "--data", str(folder), "--out", str(tmp_path / "out")]
    assert main(["compress", *arguments, "--scale", "1/255"]) == 0
    assert "top1" in capsys.readouterr().out
    assert load_compressed_classifier(tmp_path / "out").scheme == "int8-qat"
    assert main(["compress", *arguments]) == 1
    assert "--scale 1/255" in capsys.readouterr().err


def test_the_command_compresses_a_model_trained_by_hanji(
    trained_digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hanji.training.classifiers.trained import save_classifier

    save_classifier(trained_digits, tmp_path / "trained")
    arguments = ["compress", str(tmp_path / "trained"), "--recipe", "int8", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert load_compressed_classifier(tmp_path / "out").scheme == "int8"
    assert main([*arguments, "--mean", "3"]) == 1
    assert "--mean: expected only with a model trained elsewhere" in capsys.readouterr().err
    assert main(["compress", str(tmp_path), *arguments[2:]]) == 1
    assert "SavedModel" in capsys.readouterr().err
