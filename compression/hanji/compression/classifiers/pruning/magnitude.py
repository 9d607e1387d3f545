"""Magnitude pruning with a polynomial schedule (Zhu and Gupta 2017), by TFMOT.

Depthwise kernels, the stem and the head stay dense: they have few weights, each of which matters.
"""

from __future__ import annotations

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.networks import copied
from hanji.compression.classifiers.steps import ImagePrune
from hanji.compression.pruning_hooks import pruning_hooks
from hanji.training.errors import RecipeError
from hanji.training.fitting.determinism import seed_everything

RAMP_SHARE = 0.6  # of the steps; in the rest, the remaining weights recover at full sparsity
MAX_MASK_UPDATES = 50

L = keras.layers


def prune(model: keras.Model, step: ImagePrune, fitting: Fitting) -> keras.Model:
    """A copy of ``model`` with sparsity ``step.sparsity`` in each pruned kernel.

    RecipeError if the network has no layer to prune.
    """
    wrapped = _wrapped(model, expect_pruned(model, step), _ramp(step, fitting))
    hooks = pruning_hooks(wrapped)
    seed_everything(fitting.seed)
    schedule = fitting.schedule(step, averaged=False)
    fitting.fit(wrapped, schedule, "Pruning", hooks=hooks, single_run=True)
    return tfmot.sparsity.keras.strip_pruning(wrapped)


def hidden_kernels(model: keras.Model) -> list[str]:
    """Names of the convolutions and Dense layers except the first and the last; no depthwise convolutions."""
    names = [layer.name for layer in model.layers if type(layer) in (L.Conv2D, L.Dense)]
    return names[1:-1]


def pruned_layers(model: keras.Model, step: ImagePrune) -> list[str]:
    """Names of the layers whose kernels ``step`` prunes."""
    return [name for name in hidden_kernels(model) if step.layers == "all" or _is_1x1(model.get_layer(name))]


def expect_pruned(model: keras.Model, step: ImagePrune) -> list[str]:
    """``pruned_layers``, but RecipeError if there are none."""
    names = pruned_layers(model, step)
    if not names:
        what = "1×1 convolutions" if step.layers == "1x1" else "convolutions and Dense layers"
        raise RecipeError(
            f"prune: expected {what} between the first and the last layer of the network, found none; "
            'try layers = "all", or leave the prune step out'
        )
    return names


def sparsity_of(layer: keras.layers.Layer) -> float:
    """Fraction of zeros in a layer's kernel."""
    return float(np.mean(layer.kernel.numpy() == 0.0))


def _is_1x1(layer: keras.layers.Layer) -> bool:
    return type(layer) is L.Conv2D and layer.kernel_size == (1, 1)


def _ramp(step: ImagePrune, fitting: Fitting) -> tfmot.sparsity.keras.PruningSchedule:
    ramp = max(int(step.epochs * fitting.steps_per_epoch() * RAMP_SHARE), 1)
    frequency = max(ramp // MAX_MASK_UPDATES, 1)
    return tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=step.sparsity,
        begin_step=0,
        end_step=ramp // frequency * frequency,  # a step with a mask update, so that the sparsity is exact
        frequency=frequency,
    )


def _wrapped(
    model: keras.Model, names: list[str], schedule: tfmot.sparsity.keras.PruningSchedule
) -> keras.Model:
    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in names:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    # The wrapper modifies the layer that it wraps, so it wraps those of a copy.
    return keras.models.clone_model(copied(model), clone_function=wrap)
