"""Separable convolutions split in two: the same outputs, from layers that can be quantized."""

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
    model.set_weights([random.uniform(0.1, 1.0, weight.shape) for weight in model.get_weights()])


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
def test_outputs_are_the_same(settings: dict[str, Any]) -> None:
    model = network(**settings)
    split = separated(model)
    assert not [layer for layer in split.layers if isinstance(layer, L.SeparableConv2D)]
    names = [layer.name for layer in split.layers]
    assert names[:4] == ["image", "stem", "sep_depthwise", "sep"]
    assert split.count_params() == model.count_params()
    np.testing.assert_allclose(split(samples()), model(samples()), rtol=1e-4, atol=1e-5)


def test_a_shared_separable_convolution_stays_shared() -> None:
    image = keras.Input((10, 8, 3))
    shared = L.SeparableConv2D(3, 3, padding="same", name="sep")
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(shared(shared(image)))))
    randomize(model)
    split = separated(model)
    assert split.count_params() == model.count_params()
    np.testing.assert_allclose(split(samples()), model(samples()), rtol=1e-4)


def test_a_network_without_any_is_returned_unchanged() -> None:
    model = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    assert separated(model) is model


def test_no_part_stays_in_float() -> None:
    model = adopted(network(), IMAGE, "here", "logits").model
    assert computed_in_float(model) == []
    quantized = quantization_aware(model, float_layers=["sep"])  # the original layer name still works
    assert quantized(samples()).shape == (4, 3)
