"""Magnitude pruning with a polynomial schedule (Zhu and Gupta 2017), by TFMOT.

Depthwise kernels, the stem and the head are left alone: they are few weights, each of which counts.
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

RAMP_SHARE = 0.6  # of the steps; the rest lets the remaining weights recover at full sparsity
MOST_UPDATES = 50  # of the masks

L = keras.layers


def prune(model: keras.Model, step: ImagePrune, fitting: Fitting) -> keras.Model:
    """A copy of ``model`` with ``step.sparsity`` zeros in each pruned kernel.

    RecipeError if there is no layer that the step prunes.
    """
    wrapped = _wrapped(model, expect_pruned(model, step), _ramp(step, fitting))
    hooks = pruning_hooks(wrapped)
    seed_everything(fitting.seed)
    schedule = fitting.schedule(step, averaged=False)
    fitting.fit(wrapped, schedule, "Pruning", hooks=hooks, whole=True)
    return tfmot.sparsity.keras.strip_pruning(wrapped)


def hidden_kernels(model: keras.Model) -> list[str]:
    """The convolutions and Dense layers between the first and the last of them; no depthwise ones."""
    names = [layer.name for layer in model.layers if type(layer) in (L.Conv2D, L.Dense)]
    return names[1:-1]


def pruned_layers(model: keras.Model, step: ImagePrune) -> list[str]:
    """The layers of which ``step`` prunes the kernel."""
    return [name for name in hidden_kernels(model) if step.layers == "all" or _is_1x1(model.get_layer(name))]


def expect_pruned(model: keras.Model, step: ImagePrune) -> list[str]:
    """The same layers; RecipeError if there are none."""
    names = pruned_layers(model, step)
    if not names:
        what = "1×1 convolutions" if step.layers == "1x1" else "convolutions and Dense layers"
        raise RecipeError(
            f"prune: expected {what} between the first and the last layer of the network, found none; "
            'try layers = "all", or leave the prune step out'
        )
    return names


def sparsity_of(layer: keras.layers.Layer) -> float:
    """The fraction of zeros in a layer's kernel."""
    return float(np.mean(layer.kernel.numpy() == 0.0))


def _is_1x1(layer: keras.layers.Layer) -> bool:
    return type(layer) is L.Conv2D and layer.kernel_size == (1, 1)


def _ramp(step: ImagePrune, fitting: Fitting) -> tfmot.sparsity.keras.PruningSchedule:
    ramp = max(int(step.epochs * fitting.steps_per_epoch() * RAMP_SHARE), 1)
    frequency = max(ramp // MOST_UPDATES, 1)
    return tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=step.sparsity,
        begin_step=0,
        end_step=ramp // frequency * frequency,  # an update falls on it, so that the sparsity is exact
        frequency=frequency,
    )


def _wrapped(
    model: keras.Model, names: list[str], schedule: tfmot.sparsity.keras.PruningSchedule
) -> keras.Model:
    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in names:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    # A wrapper changes the layer that it is given, so it gets one of a copy.
    return keras.models.clone_model(copied(model), clone_function=wrap)
