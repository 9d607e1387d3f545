"""Architectures for which LiteRT on ARM uses sparse kernels; benchmarks/sparse_on_arm.py measures them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.pruning.magnitude import pruned_layers
from hanji.compression.classifiers.pruning.sparse_kernels import sparse_obstacles
from hanji.compression.classifiers.steps import ImagePrune
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig

L = keras.layers
FRIENDLY = ImageModelConfig(
    channels=(16, 24), blocks=(1, 2), strides=(1, 2), stem_channels=8, sparse_friendly=True
)


def network(config: ImageModelConfig, side: int = 16, channels: int = 1) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier(config, height=side, width=side, channels=channels, classes=3)


def with_zeros(model: keras.Model, sparsity: float = 0.75) -> keras.Model:
    for name in pruned_layers(model, ImagePrune(sparsity=sparsity, layers="1x1")):
        kernel = model.get_layer(name).kernel
        sizes = np.abs(kernel.numpy())
        kernel.assign(np.where(sizes >= np.quantile(sizes, sparsity), kernel.numpy(), 0.0))
    return model


@pytest.mark.parametrize(
    "config",
    [
        FRIENDLY,
        replace(FRIENDLY, residual=True, activation="relu6"),
        replace(FRIENDLY, kernel_size=5),
        replace(FRIENDLY, type="mobilenet-v2"),
    ],
    ids=["mobilenet-v1", "residual", "5×5", "mobilenet-v2"],
)
def test_sparse_friendly_networks_have_no_obstacles(config: ImageModelConfig) -> None:
    assert sparse_obstacles(with_zeros(network(config))) == ()
    assert sparse_obstacles(with_zeros(network(config, channels=3))) == ()


def test_obstacles_of_other_networks_are_listed() -> None:
    obstacles = sparse_obstacles(with_zeros(network(replace(FRIENDLY, sparse_friendly=False))))
    assert "stem is not a 3×3 convolution of three channels with stride 2" in obstacles
    assert "block_2_depthwise is strided without a ZeroPadding2D before it" in obstacles


def test_odd_sizes_of_strided_layers_are_listed() -> None:
    obstacles = sparse_obstacles(with_zeros(network(FRIENDLY, side=14)))
    assert obstacles == ("block_2_depthwise is strided over an odd size, 7×7",)


def test_too_low_a_sparsity_is_listed() -> None:
    obstacles = sparse_obstacles(with_zeros(network(FRIENDLY), sparsity=0.5))
    assert obstacles == ("the sparsity of the 1×1 kernels is 50%, less than two thirds",)


def test_larger_convolutions_are_listed() -> None:
    obstacles = sparse_obstacles(
        network(ImageModelConfig(type="cnn", channels=(8,), blocks=(2,), strides=(2,)))
    )
    assert "block_1 is not a plain 1×1 convolution" in obstacles


@pytest.mark.parametrize("family", ["cnn", "mobilenet-v1", "mobilenet-v2", "shufflenet"])
def test_no_family_has_the_head_that_fails_on_arm(family: str) -> None:
    """A pooling with keepdims followed by a 1×1 convolution runs on x86, but not on aarch64."""
    shape = {"channels": (48,), "blocks": (1,), "strides": (2,), "stem_channels": 12}
    model = network(ImageModelConfig(type=family, **shape))
    pooling, head = model.layers[-2:]
    assert isinstance(pooling, L.GlobalAveragePooling2D)
    assert not pooling.keepdims
    assert isinstance(head, L.Dense)
