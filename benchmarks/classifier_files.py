"""Export of untrained networks to TFLite, for measurements."""

from __future__ import annotations

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite import convert_classifier_tflite
from hanji.runtime.manifest import ImageInput


def tflite_file(
    model: keras.Model, shape: tuple[int, int, int], scheme: ImageScheme, *, sparse: bool = False
) -> bytes:
    """The file of ``model``, calibrated with random images of ``shape``; ``sparse``: float32 only."""
    height, width, channels = shape
    image_input = ImageInput(
        height=height,
        width=width,
        channels=channels,
        fit="crop",
        mean=(127.5,) * channels,
        std=(73.6,) * channels,
        normalized_by="graph",
    )
    signature = ClassifySignature(model, image_input, 1.0)
    calibration = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    return convert_classifier_tflite(signature, scheme, calibration=calibration, sparse=sparse)


__all__ = ["tflite_file"]
