"""Magnitude pruning with a polynomial schedule (Zhu and Gupta 2017), by TFMOT.

The head and the bias tables stay dense: they have few weights, each of which matters.
"""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
import tf_keras as keras

from hanji.compression.pruning_hooks import pruning_hooks
from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.steps import Prune
from hanji.training.recommenders.models.build import HEADS

RAMP_SHARE = 0.6  # of the steps; in the rest, the remaining weights recover at full sparsity


def prunable(layer: keras.layers.Layer, step: Prune) -> bool:
    """Whether this step prunes the layer's main tensor."""
    if isinstance(layer, keras.layers.Embedding):
        return step.embeddings and not layer.name.endswith("_bias")
    return isinstance(layer, keras.layers.Dense) and layer.name not in HEADS


def prune(model: keras.Model, step: Prune, fitting: Fitting) -> keras.Model:
    """A copy of ``model`` with sparsity ``step.sparsity`` in each pruned tensor; it must have no dropout."""
    wrapped = _wrap(model, step, _ramp(step, fitting))
    hooks = pruning_hooks(wrapped)
    schedule = fitting.schedule(step, averaged=False)
    fitting.fit(wrapped, schedule, "Pruning", hooks=hooks, single_run=True)
    return tfmot.sparsity.keras.strip_pruning(wrapped)


def _ramp(step: Prune, fitting: Fitting) -> tfmot.sparsity.keras.PruningSchedule:
    samples = len(fitting.data.train) * (1 + fitting.training.negatives)
    steps = step.epochs * max(samples // fitting.training.batch_size, 1)
    return tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=step.sparsity,
        begin_step=0,
        end_step=max(int(steps * RAMP_SHARE), 1),
        frequency=max(steps // 50, 1),
    )


def _wrap(model: keras.Model, step: Prune, schedule: tfmot.sparsity.keras.PruningSchedule) -> keras.Model:
    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        copy = layer.__class__.from_config(layer.get_config())
        if not prunable(layer, step):
            return copy
        return tfmot.sparsity.keras.prune_low_magnitude(copy, pruning_schedule=schedule)

    wrapped = keras.models.clone_model(model, clone_function=wrap)
    for layer in model.layers:
        if layer.get_weights():
            target = wrapped.get_layer(
                f"prune_low_magnitude_{layer.name}" if prunable(layer, step) else layer.name
            )
            target = getattr(target, "layer", target)
            target.set_weights(layer.get_weights())
    return wrapped
