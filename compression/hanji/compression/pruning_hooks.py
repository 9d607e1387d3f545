"""TFMOT's magnitude pruning in the fitting loop, which is not Keras's own."""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
import tf_keras as keras

from hanji.training.fitting.loop import Hooks

_UNUSED = -1  # TFMOT's callback takes arguments that it does not read


def pruning_hooks(wrapped: keras.Model) -> Hooks:
    """Hooks that update the masks of ``wrapped``, a model whose layers ``prune_low_magnitude`` wrapped.

    TFMOT counts the steps of its schedule from here: a fit with these hooks cannot be resumed.
    """
    wrapped.compile(optimizer=keras.optimizers.Adam())  # the callback reads the step count off an optimizer
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(wrapped)
    callback.on_train_begin()
    return Hooks(
        before_step=lambda: callback.on_train_batch_begin(_UNUSED),
        before_validation=lambda: callback.on_epoch_end(_UNUSED),
    )


__all__ = ["pruning_hooks"]
