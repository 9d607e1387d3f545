"""Reproducibility: the same inputs and seed give bit-identical results."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and enable TensorFlow's deterministic kernels."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
