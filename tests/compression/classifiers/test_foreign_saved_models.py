"""SavedModels of any origin, and Keras 3 models, are opened or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from hanji.compression.classifiers.foreign.converted import ConvertedModel, converted
from hanji.compression.classifiers.foreign.opened import open_model
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.foreign.saved_model import network_of_saved_model
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.errors import DataError, HanjiError, RecipeError

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 12, 12, 3), dtype=np.uint8)
IMAGES[::2] = IMAGES[::2, :1, :1]
SHAPE = (12, 12, 3)
SIZED = Preprocessing(height=12, width=12)


class Network(tf.Module):
    """A network without Keras: its SavedModel has no ``variables``."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.kernel = tf.Variable(rng.normal(0, 0.3, (3, 3, 3, 8)).astype(np.float32))
        self.head = tf.Variable(rng.normal(0, 2, (8, 3)).astype(np.float32))

    def logits(self, image: Any) -> Any:
        x = tf.nn.conv2d(tf.cast(image, tf.float32) / 255.0, self.kernel, 2, "SAME")
        return tf.reduce_mean(tf.nn.relu(x), [1, 2]) @ self.head


def saved(
    directory: Path,
    end: Callable[[Any], Any] = tf.nn.softmax,
    *,
    shape: Any = (None, *SHAPE),
    dtype: Any = tf.float32,
    signatures: tuple[str, ...] = ("serving_default",),
) -> Path:
    network = Network()

    @tf.function(input_signature=[tf.TensorSpec(shape, dtype, name="image")])
    def serve(image: Any) -> Any:
        found = end(network.logits(image))
        return found if isinstance(found, dict) else {"output": found}

    network.serve = serve
    tf.saved_model.save(network, str(directory), signatures=dict.fromkeys(signatures, serve))
    return directory


def convert(
    path: Path, preprocessing: Preprocessing | None = None, work: Path | None = None
) -> ConvertedModel:
    return converted(open_model(path, preprocessing or Preprocessing(), work), IMAGES)


def probabilities(found: ConvertedModel) -> np.ndarray:
    return softmax(ClassifierScorer(found.model, found.image_input).logits(IMAGES), axis=1)


EXPECTED = softmax(Network().logits(IMAGES).numpy(), axis=1)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((None, *SHAPE), tf.float32),
        (None, tf.float32),
        ((None, None, None, None), tf.float32),
        ((1, *SHAPE), tf.float32),
        ((None, *SHAPE), tf.uint8),
        ((None, *SHAPE), tf.float16),
    ],
    ids=["fixed", "unknown rank", "unknown size", "batch of one", "uint8", "float16"],
)
def test_inputs_of_any_kind(shape: Any, dtype: Any, tmp_path: Path) -> None:
    found = convert(saved(tmp_path / "saved", shape=shape, dtype=dtype), SIZED)
    np.testing.assert_allclose(probabilities(found), EXPECTED, atol=1e-5)
    assert len(found.model.get_layer("saved_model").weights) == 2
    again = network_of_saved_model(tmp_path / "saved", SHAPE, found.head, 3)
    np.testing.assert_array_equal(again(IMAGES.astype(np.float32)), found.model(IMAGES.astype(np.float32)))


def test_a_loop_is_refused(tmp_path: Path) -> None:
    def end(logits: Any) -> Any:
        return tf.while_loop(lambda count, _: count < 3, lambda count, x: (count + 1, x * 1.1), (0, logits))[
            1
        ]

    with pytest.raises(RecipeError, match=r"the operator WHILE, which no bundle may.* with unroll=True"):
        convert(saved(tmp_path / "saved", end))


@pytest.mark.parametrize(
    ("end", "settings", "message"),
    [
        (
            lambda x: {"logits": x, "classes": tf.nn.softmax(x)},
            {},
            "(classes|logits), (classes|logits); save it again",
        ),
        (
            tf.nn.softmax,
            {"signatures": ("a", "b")},
            "expected a signature 'serving_default', found a, b; save",
        ),
        (tf.nn.sigmoid, {}, "found sigmoid .*a label of its own"),
        (tf.nn.softmax, {"shape": (4, *SHAPE)}, r"a variable batch size, or one of 1, found 4"),
        (tf.nn.softmax, {"shape": None}, "--size 96x96"),
        (lambda x: tf.ensure_shape(tf.numpy_function(np.negative, [x], tf.float32), [None, 3]), {}, "PyFunc"),
        (lambda x: tf.cast(tf.cast(x, tf.float16) / 3, tf.float32), {}, "use float32|Use float32"),
        (lambda x: x + tf.random.normal([1, 3]), {}, "a layer is random"),
    ],
    ids=["outputs", "signatures", "labels", "batch", "size", "code", "half", "random"],
)
def test_what_cannot_be_exported_is_refused(
    end: Callable[[Any], Any], settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(HanjiError, match=message):
        convert(saved(tmp_path / "saved", end, **settings))


@pytest.fixture(scope="module")
def keras3() -> Any:
    return pytest.importorskip("keras", minversion="3.0")


def model3(keras3: Any, *first: Any, units: int = 3, activation: str = "softmax") -> Any:
    keras3.utils.set_random_seed(0)
    layers = keras3.layers
    wide = keras3.initializers.RandomNormal(stddev=2.0)
    head = layers.Dense(units, activation=activation, kernel_initializer=wide)
    body = [
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
    ]
    return keras3.Sequential([keras3.Input(SHAPE), *first, *body, head])


def test_keras_3_augmentation_is_left_out(keras3: Any, tmp_path: Path) -> None:
    augmentation = (keras3.layers.RandomFlip(), keras3.layers.RandomRotation(0.2))
    model = model3(keras3, *augmentation)
    model.save(tmp_path / "model.keras")
    found = convert(tmp_path / "model.keras", work=tmp_path / "work")
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    np.testing.assert_allclose(probabilities(found), expected, atol=1e-5)
    assert [layer.name for layer in found.model.layers] == ["image", "saved_model"]  # the softmax is left out
    # Keras itself exports augmentation as it is in training.
    model.export(str(tmp_path / "exported"), verbose=False)
    with pytest.raises(RecipeError, match="a layer is random"):
        convert(tmp_path / "exported")


def test_keras_3_mixed_precision_becomes_float32(keras3: Any, tmp_path: Path) -> None:
    keras3.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = model3(keras3)
    finally:
        keras3.mixed_precision.set_global_policy("float32")
    model.save(tmp_path / "model.keras")
    found = convert(tmp_path / "model.keras", work=tmp_path / "work")
    assert found.reference.bound == 0.02
    assert not found.model.get_layer("saved_model")._graph.half_precision


def test_a_keras_3_ensemble_keeps_its_answers(keras3: Any, tmp_path: Path) -> None:
    image, layers = keras3.Input(SHAPE), keras3.layers
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(image))
    wide = keras3.initializers.RandomNormal(stddev=6.0)
    heads = [layers.Dense(3, activation="softmax", kernel_initializer=wide)(x) for _ in range(2)]
    model = keras3.Model(image, (heads[0] + heads[1]) / 2)
    model.save(tmp_path / "model.keras")
    found = convert(tmp_path / "model.keras", work=tmp_path / "work")
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    np.testing.assert_allclose(probabilities(found), expected, atol=1e-5)


def test_keras_3_heads(keras3: Any, tmp_path: Path) -> None:
    model3(keras3, units=1, activation="sigmoid").save(tmp_path / "binary.keras")
    found = convert(tmp_path / "binary.keras", work=tmp_path / "work")
    assert (found.head, found.model.output_shape) == ("binary probability", (None, 2))
    model3(keras3, activation="sigmoid").save(tmp_path / "labels.keras")
    with pytest.raises(RecipeError, match="a label of its own"):
        convert(tmp_path / "labels.keras", work=tmp_path / "work")


def test_recurrent_layers_convert_where_they_are_unrolled(keras3: Any, tmp_path: Path) -> None:
    def network(*, unroll: bool) -> Path:
        layers = keras3.layers
        recurrent = layers.LSTM(4, unroll=unroll)
        model = keras3.Sequential([keras3.Input(SHAPE), layers.Reshape((12, 36)), recurrent, layers.Dense(3)])
        model.save(tmp_path / f"{unroll}.keras")
        return tmp_path / f"{unroll}.keras"

    with pytest.raises(RecipeError, match=r"TensorFlow Lite .*build recurrent layers with unroll=True"):
        convert(network(unroll=False), work=tmp_path / "work")
    assert convert(network(unroll=True), work=tmp_path / "work").head == "logits"


def test_a_keras_3_model_with_code_of_its_own_is_refused(keras3: Any, tmp_path: Path) -> None:
    model3(keras3, keras3.layers.Lambda(lambda x: 2 * x)).save(tmp_path / "model.keras")
    with pytest.raises(DataError, match="names the class Lambda"):
        convert(tmp_path / "model.keras", work=tmp_path / "work")
