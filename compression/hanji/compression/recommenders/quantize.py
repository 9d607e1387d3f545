"""Quantization: what is decided here, the converters carry out.

``float16`` and ``dynamic`` need nothing of the model. The integer schemes put the rounding into
it: ``int8`` sets the activation ranges from calibration data, ``int8-qat`` trains on from there.
Rows of few bits have no ranges to calibrate: each row's scale follows the row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hanji.compression.recommenders.fake_quantization import fake_quantized
from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.steps import ROW_BITS, Quantize, Scheme
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.loop import Hooks
from hanji.training.recommenders.models.history import HistoryModel


def quantize(model: keras.Model, step: Quantize, fitting: Fitting, *, keep_zeros: bool) -> keras.Model:
    """``model`` as its export will compute; ``keep_zeros`` holds pruned weights at zero."""
    if step.scheme in ("float16", "dynamic"):
        return model
    if step.scheme in ROW_BITS:
        return _trained_row_rounded(model, step, fitting)
    seed_everything(fitting.seed)
    rounded = fake_quantized(model)
    calibrate(rounded, fitting, step.calibration_users)
    if step.scheme == "int8-qat":
        _train(rounded, step, fitting, keep_zeros=keep_zeros)
    return rounded


def row_rounded(model: HistoryModel, scheme: Scheme) -> HistoryModel:
    """``model`` with the rows of its item table rounded as ``scheme`` stores them."""
    rounded = _row_rounding(model, scheme)
    rounded.item_table.assign(rounded.table())
    return rounded


def _trained_row_rounded(model: HistoryModel, step: Quantize, fitting: Fitting) -> HistoryModel:
    """Trained with rounded rows; in the end its own table is on the grid, as it will be stored."""
    seed_everything(fitting.seed)
    rounded = _row_rounding(model, step.artifact_scheme)
    fitting.fit(rounded, fitting.schedule(step), "Quantization-aware training")
    rounded.item_table.assign(rounded.table())
    return rounded


def _row_rounding(model: HistoryModel, scheme: Scheme) -> HistoryModel:
    """A copy that rounds its rows wherever it uses them."""
    rounded = HistoryModel(model.config, model.items, row_bits=ROW_BITS[scheme])
    rounded.set_weights(model.get_weights())
    return rounded


def calibrate(model: keras.Model, fitting: Fitting, users: int) -> None:
    """Let the activation ranges follow whole catalogues of sampled users; no weight changes."""
    rng = np.random.default_rng([fitting.seed, 1])
    count = min(users, fitting.data.users)
    chosen = rng.choice(fitting.data.users, count, replace=False).astype(np.int32)
    items = tf.range(fitting.data.items, dtype=tf.int32)
    observe = tf.function(lambda user: model([tf.fill(tf.shape(items), user), items], training=True))
    for user in chosen:
        observe(tf.constant(user))


def _train(model: keras.Model, step: Quantize, fitting: Fitting, *, keep_zeros: bool) -> None:
    hooks = Hooks(after_step=_zero_keeper(model)) if keep_zeros else None
    training = fitting.schedule(step, averaged=not keep_zeros)
    fitting.fit(model, training, "Quantization-aware training", hooks=hooks)


def _zero_keeper(model: keras.Model) -> Callable[[], None]:
    pruned = [weight for weight in model.trainable_variables if not np.all(weight.numpy())]
    masks = [tf.cast(tf.not_equal(weight, 0.0), tf.float32) for weight in pruned]

    def keep() -> None:
        for weight, mask in zip(pruned, masks, strict=True):
            weight.assign(weight * mask)

    compiled: Callable[[], None] = tf.function(keep)
    return compiled
