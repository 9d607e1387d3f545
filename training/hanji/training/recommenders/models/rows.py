"""Symmetric low-bit quantization of a table, with one scale per row, a half-precision number."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Clipping thresholds, relative to a row's largest value; the one with the least squared error is used."""

SMALLEST_SCALE = 2.0**-14
"""The smallest half-precision number that has all of its bits. A row with smaller values than that times
``levels`` uses only some of the levels."""


def levels(bits: int) -> int:
    """The largest integer of symmetric quantization to ``bits`` bits: 127 for 8, 7 for 4."""
    return int(2 ** (bits - 1) - 1)


def rounded_rows(table: Any, bits: int) -> Any:
    """``table`` [n, d] with each row fake-quantized to ``bits`` bits, with a straight-through gradient.

    This is idempotent, as the scale of a quantized row is its largest value over ``levels(bits)``, but at
    least SMALLEST_SCALE.
    """
    scale = tf.stop_gradient(_best_scales(table, bits))
    largest = levels(bits) * scale
    clipped = tf.clip_by_value(table, -largest, largest)
    return clipped + tf.stop_gradient(scale * tf.round(clipped / scale) - clipped)


def _best_scales(table: Any, bits: int) -> Any:
    """The scale of each row, [n, 1], whose threshold in ``_CLIPS`` has the least squared error."""
    widest = tf.reduce_max(tf.abs(table), axis=1, keepdims=True) / levels(bits)
    scales = [_half(tf.maximum(widest * clip, SMALLEST_SCALE)) for clip in _CLIPS]
    errors = [_squared_error(table, scale, bits) for scale in scales]
    best = tf.argmin(tf.stack(errors, axis=1), axis=1)
    return tf.gather(tf.concat(scales, axis=1), best, batch_dims=1)[:, None]


def _half(values: Any) -> Any:
    """``values`` rounded to half precision."""
    return tf.cast(tf.cast(values, tf.float16), tf.float32)


def _squared_error(table: Any, scale: Any, bits: int) -> Any:
    quantized = tf.clip_by_value(tf.round(table / scale), -levels(bits), levels(bits))
    return tf.reduce_sum(tf.square(table - scale * quantized), axis=1)


__all__ = ["SMALLEST_SCALE", "levels", "rounded_rows"]
