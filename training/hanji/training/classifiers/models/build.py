"""Functional tf_keras models with one interface: normalized images → logits.

They map float32 [B, height, width, channels] to float32 [B, classes]. They output logits rather than
probabilities because distillation and calibration need them. The last layer is a Dense layer named ``head``.
"""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.cnn import cnn
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.models.layers import Layers
from hanji.training.classifiers.models.mirror import MeanOfBoth, WithMirror
from hanji.training.classifiers.models.mobilenet_v1 import mobilenet_v1
from hanji.training.classifiers.models.mobilenet_v2 import mobilenet_v2
from hanji.training.classifiers.models.shufflenet import shufflenet

HEAD = "head"
"""Name of the layer that outputs the logits; it is never pruned and always computes in float32."""


_FAMILIES = {"cnn": cnn, "mobilenet-v1": mobilenet_v1, "mobilenet-v2": mobilenet_v2, "shufflenet": shufflenet}


def build_classifier(
    config: ImageModelConfig, *, height: int, width: int, channels: int, classes: int
) -> keras.Model:
    """The untrained model of ``config`` for images of one size.

    ValueError if the images are too small for the strides.
    """
    if min(height, width, channels) < 1 or classes < 2:
        raise ValueError(
            "expected height, width and channels of at least 1 and at least two classes, "
            f"found {height}×{width}×{channels} and {classes}"
        )
    layers = Layers(config)
    image = keras.Input((height, width, channels), dtype="float32", name="image")
    x = WithMirror(name="with_mirror")(image) if config.mirrored else image
    x = _FAMILIES[config.type](layers, x)
    if config.last:
        x = layers.norm_act(layers.convolution(x, config.last, "last"), "last")
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    logits = keras.layers.Dense(classes, name=HEAD, dtype="float32")(x)
    if config.mirrored:
        logits = MeanOfBoth(name="mean_of_both", dtype="float32")(logits)
    return keras.Model(image, logits, name=config.type)


__all__ = ["HEAD", "build_classifier"]
