"""The quantize step of recommenders.

``float16`` and ``dynamic`` are applied by the converters alone. For the integer schemes the model is
fake-quantized: ``int8`` calibrates the activation ranges, ``int8-qat`` fine-tunes after that. The row-wise
schemes have no ranges to calibrate: each row's scale is computed from the row.
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
    """``model`` with the numerics of its export; ``keep_zeros`` keeps pruned weights at zero."""
    if step.scheme in ("float16", "dynamic"):
        return model
    if step.scheme in ROW_BITS:
        return _trained_with_quantized_rows(model, step, fitting)
    seed_everything(fitting.seed)
    quantized = fake_quantized(model)
    calibrate(quantized, fitting, step.calibration_users)
    if step.scheme == "int8-qat":
        _train(quantized, step, fitting, keep_zeros=keep_zeros)
    return quantized


def with_quantized_rows(model: HistoryModel, scheme: Scheme) -> HistoryModel:
    """``model`` with the rows of its item embeddings quantized as ``scheme`` stores them."""
    quantized = _quantizing_rows(model, scheme)
    quantized.item_table.assign(quantized.table())
    return quantized


def _trained_with_quantized_rows(model: HistoryModel, step: Quantize, fitting: Fitting) -> HistoryModel:
    """``model`` after quantization-aware training of its rows; in the end the table itself is quantized."""
    seed_everything(fitting.seed)
    quantized = _quantizing_rows(model, step.artifact_scheme)
    fitting.fit(quantized, fitting.schedule(step), "Quantization-aware training")
    quantized.item_table.assign(quantized.table())
    return quantized


def _quantizing_rows(model: HistoryModel, scheme: Scheme) -> HistoryModel:
    """A copy that fake-quantizes its rows on use."""
    quantizing = HistoryModel(model.config, model.items, row_bits=ROW_BITS[scheme])
    quantizing.set_weights(model.get_weights())
    return quantizing


def calibrate(model: keras.Model, fitting: Fitting, users: int) -> None:
    """Update the activation ranges with the whole catalogue for sampled users; no weight changes."""
    rng = np.random.default_rng([fitting.seed, 1])
    count = min(users, fitting.data.users)
    sampled = rng.choice(fitting.data.users, count, replace=False).astype(np.int32)
    items = tf.range(fitting.data.items, dtype=tf.int32)
    observe = tf.function(lambda user: model([tf.fill(tf.shape(items), user), items], training=True))
    for user in sampled:
        observe(tf.constant(user))


def _train(model: keras.Model, step: Quantize, fitting: Fitting, *, keep_zeros: bool) -> None:
    hooks = Hooks(after_step=_mask_weights(model)) if keep_zeros else None
    training = fitting.schedule(step, averaged=not keep_zeros)
    fitting.fit(model, training, "Quantization-aware training", hooks=hooks)


def _mask_weights(model: keras.Model) -> Callable[[], None]:
    """A function that sets the weights that are zero now back to zero."""
    pruned = [weight for weight in model.trainable_variables if not np.all(weight.numpy())]
    masks = [tf.cast(tf.not_equal(weight, 0.0), tf.float32) for weight in pruned]

    def apply_masks() -> None:
        for weight, mask in zip(pruned, masks, strict=True):
            weight.assign(weight * mask)

    compiled: Callable[[], None] = tf.function(apply_masks)
    return compiled
