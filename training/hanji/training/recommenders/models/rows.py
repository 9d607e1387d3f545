"""Rows of a table in few bits: whole numbers around zero and one scale a row."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of a row's largest value at which it may be cut off: the best in squares is taken."""

_SMALLEST = 1e-8


def levels(bits: int) -> int:
    """The largest whole number that ``bits`` hold symmetrically: 127 for 8, 7 for 4."""
    return int(2 ** (bits - 1) - 1)


def rounded_rows(table: Any, bits: int) -> Any:
    """``table`` [n, d] with each row on its grid of ``bits`` bits; gradients pass as if it were not rounded.

    A row that is rounded again stays as it is: its scale is its largest value over ``levels(bits)``.
    """
    scale = tf.stop_gradient(_best_scales(table, bits))
    largest = levels(bits) * scale
    clipped = tf.clip_by_value(table, -largest, largest)
    return clipped + tf.stop_gradient(scale * tf.round(clipped / scale) - clipped)


def _best_scales(table: Any, bits: int) -> Any:
    """For each row [n, 1] the scale of those in ``_CLIPS`` that loses the least."""
    widest = tf.maximum(tf.reduce_max(tf.abs(table), axis=1, keepdims=True), _SMALLEST) / levels(bits)
    scales = tf.concat([widest * clip for clip in _CLIPS], axis=1)
    errors = [_squared_error(table, widest * clip, bits) for clip in _CLIPS]
    best = tf.argmin(tf.stack(errors, axis=1), axis=1)
    return tf.gather(scales, best, batch_dims=1)[:, None]


def _squared_error(table: Any, scale: Any, bits: int) -> Any:
    whole = tf.clip_by_value(tf.round(table / scale), -levels(bits), levels(bits))
    return tf.reduce_sum(tf.square(table - scale * whole), axis=1)


__all__ = ["levels", "rounded_rows"]
