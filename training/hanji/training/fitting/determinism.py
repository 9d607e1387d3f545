"""Same inputs and seed, same bytes."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and TensorFlow, and ask TensorFlow for repeatable kernels."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
