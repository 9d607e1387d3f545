"""Converts a classifier to TFLite: one file with the signature ``classify``.

Under every scheme the image is uint8, the probabilities are float32, and pre- and postprocessing compute in
float32: only the network itself is quantized.

    float32   no quantization; with ``sparse``, mostly-zero weights are stored as sparse tensors
    float16   float16 weights, which LiteRT converts to float32 when it loads the file
    dynamic   large weights in int8 with per-channel scales
    int8      weights in int8 with per-channel scales, activations in int8 with ranges from calibration images
    int8-qat  as int8, with the ranges of the network's FakeQuant operations
    int16x8   as int8, with int16 activations
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.compression.classifiers.steps import CALIBRATED, ImageScheme
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite_float import keep_in_float, remove_markers
from hanji.export.classifiers.formats.tflite_saved import SavedNetwork
from hanji.export.formats.compact import compacted
from hanji.export.formats.tflite import saved

Images = npt.NDArray[np.uint8]


def convert_classifier_tflite(
    network: ClassifySignature,
    scheme: ImageScheme,
    *,
    calibration: Images | None = None,
    float_layers: Sequence[str] = (),
    sparse: bool = False,
) -> bytes:
    """The ``.tflite`` file of ``network`` under ``scheme``, compacted (see compact.py).

    ``calibration`` are images uint8 [n, h, w, c] for a scheme in ``CALIBRATED``; ``float_layers`` are layers
    that an integer scheme keeps in float32. Raises ConversionError if TensorFlow's converter rejects the
    network.
    """
    return compacted(
        named_classifier_tflite(
            network, scheme, calibration=calibration, float_layers=float_layers, sparse=sparse
        )
    )


def named_classifier_tflite(
    network: ClassifySignature,
    scheme: ImageScheme,
    *,
    calibration: Images | None = None,
    float_layers: Sequence[str] = (),
    sparse: bool = False,
    may_crash: bool = False,
) -> bytes:
    """The same file before compaction: its tensors still have the names that other tools rely on.

    ``may_crash`` converts in a child process, whose crash is a ConversionError.
    """
    if scheme in CALIBRATED:
        with saved_network(network, may_crash=may_crash) as saved_model:
            return saved_model.converted(scheme, calibration, float_layers=float_layers)
    with (
        keep_in_float(network.model, float_layers),
        saved_network(network, may_crash=may_crash) as saved_model,
    ):
        content = saved_model.converted(scheme, sparse=sparse)
    return remove_markers(content) if float_layers else content


@contextmanager
def saved_network(network: ClassifySignature, *, may_crash: bool) -> Iterator[SavedNetwork]:
    """``network`` as a temporary SavedModel."""
    layers = tuple(layer.name for layer in network.model.layers)
    with saved(network, [CLASSIFY]) as directory:
        yield SavedNetwork(directory, layers, may_crash)


__all__ = ["convert_classifier_tflite", "named_classifier_tflite", "saved_network"]
