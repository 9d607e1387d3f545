"""TFMOT's magnitude pruning in hanji's training loop, which does not use Keras callbacks."""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
import tf_keras as keras

from hanji.training.fitting.loop import Hooks

_UNUSED = -1  # TFMOT's callback ignores its arguments


def pruning_hooks(wrapped: keras.Model) -> Hooks:
    """Hooks that update the masks of ``wrapped``, a model with layers in ``prune_low_magnitude`` wrappers.

    TFMOT's schedule starts at step 0 here: a fit with these hooks cannot be resumed.
    """
    wrapped.compile(optimizer=keras.optimizers.Adam())  # the callback reads an optimizer's step count
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(wrapped)
    callback.on_train_begin()
    return Hooks(
        before_step=lambda: callback.on_train_batch_begin(_UNUSED),
        before_validation=lambda: callback.on_epoch_end(_UNUSED),
    )


__all__ = ["pruning_hooks"]
