"""Layers whose TFLite kernels take one scale and zero point for input and output.

LiteRT's 8-bit quantization specification demands it of AVERAGE_POOL_2D, MAX_POOL_2D, REDUCE_MAX, PAD, PADV2,
MIRROR_PAD, RESHAPE, TRANSPOSE, SLICE, STRIDED_SLICE, GATHER, TILE, RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR
and others that move or select values. A FakeQuant operation with a range of its own after such a layer
contradicts its kernel: the converter rejects the network. So these layers keep the range of their input.
"""

from __future__ import annotations

import tf_keras as keras

L = keras.layers

_POOLING = (
    *(L.AveragePooling1D, L.AveragePooling2D, L.MaxPooling1D, L.MaxPooling2D),
    *(L.GlobalMaxPooling1D, L.GlobalMaxPooling2D, L.GlobalMaxPooling3D),
)
_RESIZING = (
    *(L.Resizing, L.CenterCrop, L.UpSampling1D, L.UpSampling2D, L.UpSampling3D),
    *(L.ZeroPadding1D, L.ZeroPadding2D, L.ZeroPadding3D, L.Cropping1D, L.Cropping2D, L.Cropping3D),
)
_MOVING = (L.Reshape, L.Flatten, L.Permute, L.RepeatVector)
_IDENTITY = (
    *(
        L.Dropout,
        L.SpatialDropout1D,
        L.SpatialDropout2D,
        L.SpatialDropout3D,
        L.AlphaDropout,
        L.GaussianDropout,
    ),
    *(L.GaussianNoise, L.ActivityRegularization),
)
_SAME_SCALE = frozenset((*_POOLING, *_RESIZING, *_MOVING, *_IDENTITY))


def keeps_scale(layer: keras.layers.Layer) -> bool:
    """Whether the output of ``layer`` has the scale of its only input.

    Global average pooling is not among them: MEAN takes a scale of its own. Neither are Concatenate, Maximum
    and Minimum, whose inputs are rescaled to the range of their output.
    """
    return type(layer) in _SAME_SCALE


__all__ = ["keeps_scale"]
