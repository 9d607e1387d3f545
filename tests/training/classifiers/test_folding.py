"""Folding batch normalizations: the outputs do not change, for any network."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.models.folding import fold_batch_norms
from hanji.training.classifiers.models.rebuilding import flattened

L = keras.layers

FAMILIES = {
    "cnn": ImageModelConfig("cnn", channels=(8, 16), blocks=(3, 1), strides=(2, 2), residual=True),
    "mobilenet-v1": ImageModelConfig(channels=(8, 16), blocks=(2, 1), strides=(1, 2), residual=True),
    "mobilenet-v2": ImageModelConfig("mobilenet-v2", channels=(8, 8), blocks=(1, 2), strides=(1, 2)),
    "shufflenet": ImageModelConfig(
        "shufflenet", channels=(36, 48), blocks=(2, 1), strides=(2, 1), stem_stride=1
    ),
}


def with_random_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """``model`` with random weights and statistics, as after training."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.uniform(0.2, 1.2, array.shape) * (rng.random(array.shape) < 0.9)
            for array in model.get_weights()
        ]
    )
    return model


def assert_same_outputs(model: keras.Model, other: keras.Model) -> None:
    images = np.random.default_rng(1).normal(size=(5, *model.input_shape[1:])).astype(np.float32)
    expected = model(images, training=False).numpy()
    np.testing.assert_allclose(other(images).numpy(), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def norms(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if isinstance(layer, L.BatchNormalization)]


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_every_family_folds_completely(config: ImageModelConfig) -> None:
    model = with_random_weights(build_classifier(config, height=12, width=12, channels=1, classes=3))
    folded = fold_batch_norms(model)
    assert norms(model) and not norms(folded)
    assert_same_outputs(model, folded)
    kept = [layer.name for layer in model.layers if not isinstance(layer, (L.BatchNormalization, L.Dropout))]
    assert [layer.name for layer in folded.layers] == kept


def test_dropout_is_removed_and_the_original_is_unchanged() -> None:
    config = ImageModelConfig("cnn", channels=(8,), blocks=(1,), strides=(2,), dropout=0.5)
    model = with_random_weights(build_classifier(config, height=8, width=8, channels=3, classes=2))
    before = [array.copy() for array in model.get_weights()]
    names = [layer.name for layer in model.layers]
    assert "dropout" in names
    assert "dropout" not in [layer.name for layer in fold_batch_norms(model).layers]
    assert [layer.name for layer in model.layers] == names
    for array, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Conv2D(6, 3, groups=3),
        lambda: L.Conv2D(6, 3, use_bias=False, strides=2, dilation_rate=1),
        lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
        lambda: L.SeparableConv2D(6, 3, depth_multiplier=2),
        lambda: L.Dense(6),
    ],
)
@pytest.mark.parametrize("scale", [True, False])
def test_layers_that_a_norm_is_folded_into(layer, scale: bool) -> None:
    model = keras.Sequential(
        [keras.Input((7, 7, 3)), layer(), L.BatchNormalization(scale=scale, center=scale), L.ReLU()]
    )
    folded = fold_batch_norms(with_random_weights(model))
    assert not norms(folded)
    assert_same_outputs(model, folded)


def test_past_a_pooling_only_with_non_negative_scales() -> None:
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), L.Conv2D(4, 3), L.MaxPooling2D(), L.Dropout(0.1), L.BatchNormalization()]
    )
    with_random_weights(model)
    assert not norms(fold_batch_norms(model))
    norm = model.layers[-1]
    norm.gamma.assign([1.0, -1.0, 1.0, 1.0])
    folded = fold_batch_norms(model)
    assert len(norms(folded)) == 1
    assert_same_outputs(model, folded)


def test_norms_that_cannot_be_folded_are_kept() -> None:
    image = keras.Input((6, 6, 2))
    active = L.BatchNormalization(name="after_an_activation")(
        L.Conv2D(4, 3, activation="relu", padding="same")(image)
    )
    shared = L.Conv2D(4, 3, padding="same", name="shared")
    one, two = shared(image), shared(active[..., :2])
    read_twice = L.Conv2D(4, 3, padding="same")(image)
    others = [
        L.BatchNormalization(name="of_a_shared_layer")(one),
        L.BatchNormalization(name="of_a_layer_read_twice")(read_twice),
        L.BatchNormalization(name="of_the_input")(image)[..., :1] + active,
    ]
    model = keras.Model(image, L.Add()([*others, two, read_twice]))
    folded = fold_batch_norms(with_random_weights(model))
    assert set(norms(folded)) == set(norms(model))
    assert_same_outputs(model, folded)


def test_an_output_of_the_model_is_unchanged() -> None:
    image = keras.Input((6, 6, 2))
    features = L.Conv2D(4, 3, name="features")(image)
    model = keras.Model(image, [features, L.BatchNormalization()(features)])
    folded = fold_batch_norms(with_random_weights(model))
    image_input = np.ones((1, 6, 6, 2), np.float32)
    for expected, found in zip(model(image_input, training=False), folded(image_input), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_nested_models_are_flattened() -> None:
    body = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3),
            L.BatchNormalization(),
            L.ReLU(),
            L.GlobalAveragePooling2D(),
        ],
        name="body",
    )
    image = keras.Input((8, 8, 3))
    features = body(L.Rescaling(1 / 255)(image), training=False)
    model = with_random_weights(keras.Model(image, L.Dense(2)(L.Dropout(0.3)(features))))
    folded = fold_batch_norms(model)
    assert not norms(folded)
    assert not any(isinstance(layer, keras.Model) for layer in folded.layers)
    assert_same_outputs(model, folded)


def test_equal_names_in_two_nested_models() -> None:
    parts = [
        keras.Sequential(
            [keras.Input((4, 4, 1)), L.Conv2D(2, 3, name="conv"), L.Flatten(name="flat")], name=name
        )
        for name in ("left", "right")
    ]
    image = keras.Input((4, 4, 1))
    model = with_random_weights(keras.Model(image, L.Concatenate()([part(image) for part in parts])))
    flat = flattened(model)
    assert {"conv", "right_conv"} < {layer.name for layer in flat.layers}
    assert_same_outputs(model, flat)


def test_a_normalization_layer_keeps_its_statistics() -> None:
    normalization = L.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(7.0, 3.0, size=(20, 5, 5, 2)).astype(np.float32))
    model = keras.Sequential([keras.Input((5, 5, 2)), normalization, L.Conv2D(3, 3), L.BatchNormalization()])
    assert_same_outputs(model, fold_batch_norms(model))


def test_mixed_precision_becomes_float32() -> None:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build_classifier(FAMILIES["mobilenet-v1"], height=12, width=12, channels=1, classes=3)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    folded = fold_batch_norms(with_random_weights(model))
    assert {layer.compute_dtype for layer in folded.layers} == {"float32"}
    image = np.ones((1, 12, 12, 1), np.float32)
    np.testing.assert_allclose(folded(image), model(image, training=False), rtol=0.05)


def test_unsupported_models() -> None:
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match=r"is subclassed \(Subclassed\)"):
        fold_batch_norms(Subclassed())
    with pytest.raises(ValueError, match="has no input shape yet"):
        fold_batch_norms(keras.Sequential([L.Dense(2)]))
    with pytest.raises(ValueError, match="expected a tf_keras model"):
        fold_batch_norms("model.keras")
