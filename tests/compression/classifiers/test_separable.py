"""Separable convolutions taken apart: the same answers, from layers that can be rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.foreign.adopt import adopted
from hanji.compression.classifiers.foreign.separable import separated
from hanji.compression.classifiers.quantization.qat import computed_in_float, quantization_aware
from hanji.runtime.manifest import ImageInput

L = keras.layers
IMAGE = ImageInput(10, 8, 3, "stretch", (0.0,) * 3, (1.0,) * 3, "graph")


def network(**settings: Any) -> keras.Model:
    image = keras.Input((10, 8, 3), name="image")
    x = L.Conv2D(4, 3, padding="same", name="stem")(image)
    x = L.SeparableConv2D(6, (3, 2), name="sep", **settings)(x)
    x = L.ReLU()(L.BatchNormalization(name="norm")(x))
    model = keras.Model(image, L.Dense(3, name="scores")(L.GlobalAveragePooling2D()(x)))
    randomize(model)
    return model


def randomize(model: keras.Model) -> None:
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1.0, one.shape) for one in model.get_weights()])


def samples() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 10, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"depth_multiplier": 2, "use_bias": False},
        {"strides": 2, "padding": "same", "activation": "relu"},
        {"dilation_rate": 2},
    ],
)
def test_what_comes_out_stays_the_same(settings: dict[str, Any]) -> None:
    model = network(**settings)
    apart = separated(model)
    assert not [layer for layer in apart.layers if isinstance(layer, L.SeparableConv2D)]
    names = [layer.name for layer in apart.layers]
    assert names[:4] == ["image", "stem", "sep_depthwise", "sep"]
    assert apart.count_params() == model.count_params()
    np.testing.assert_allclose(apart(samples()), model(samples()), rtol=1e-4, atol=1e-5)


def test_one_that_is_used_twice_stays_one() -> None:
    image = keras.Input((10, 8, 3))
    shared = L.SeparableConv2D(3, 3, padding="same", name="sep")
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(shared(shared(image)))))
    randomize(model)
    apart = separated(model)
    assert apart.count_params() == model.count_params()
    np.testing.assert_allclose(apart(samples()), model(samples()), rtol=1e-4)


def test_a_network_without_any_is_taken_as_it_is() -> None:
    model = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    assert separated(model) is model


def test_nothing_of_it_is_left_in_float() -> None:
    found = adopted(network(), IMAGE, "here").model
    assert computed_in_float(found) == []
    rounding = quantization_aware(found, float_layers=["sep"])  # known by the name that its maker gave it
    assert rounding(samples()).shape == (4, 3)
