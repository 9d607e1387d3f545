"""The quantize step of classifiers.

Only ``int8-qat`` changes the network: fake quantization is inserted, ranges are calibrated, then the network
is fine-tuned. The other schemes are applied by the converter, the integer ones with the calibration images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.quantization.activations import with_separate_activations
from hanji.compression.classifiers.quantization.max_pooling import pools_last
from hanji.compression.classifiers.quantization.qat import (
    Preserved,
    computed_in_float,
    in_float,
    quantization_aware,
    without_preserving,
)
from hanji.compression.classifiers.quantization.ranges import measure_ranges, refresh_kernel_ranges
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.training.classifiers.data import LabelledImages
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.loop import Hooks
from hanji.training.progress import logger


@dataclass(frozen=True)
class QuantizationAware:
    """The result of quantization-aware training."""

    model: keras.Model
    """TFMOT's network with fake quantization, without the preserving quantizers."""

    plain: keras.Model
    """The same weights in the float network, batch normalizations not folded."""


def train_quantized(
    model: keras.Model, step: ImageQuantize, fitting: Fitting, preserved: Mapping[str, Preserved]
) -> QuantizationAware:
    """``model`` after quantization-aware training; ``preserved`` maps layers to properties of their kernels.

    RecipeError if TFMOT cannot quantize the network.
    """
    seed_everything(fitting.seed)
    float_network = quantizable(model)
    if unsupported := computed_in_float(float_network):
        logger.warning(
            f"int8-qat: layers that TFMOT cannot quantize are computed in float: {', '.join(unsupported)}"
        )
    fake_quantized = quantization_aware(float_network, float_layers=step.float_layers, preserved=preserved)
    refresh_kernel_ranges(fake_quantized)
    samples = calibration_images(fitting.dataset.train, step.calibration_images, fitting.seed)
    measure_ranges(fake_quantized, samples, fitting.image_input, fitting.training.batch_size)
    averaged = "clusters" not in preserved.values()  # a weight average would not be clustered

    schedule = fitting.schedule(step, averaged=averaged)
    hooks = Hooks(before_validation=lambda: refresh_kernel_ranges(fake_quantized))
    fitting.fit(fake_quantized, schedule, "Quantization-aware training", hooks=hooks)
    if preserved:
        trained = without_preserving(fake_quantized, float_network, step.float_layers)
    else:
        trained = fake_quantized
    return QuantizationAware(trained, in_float(float_network, trained))


def quantizable(model: keras.Model) -> keras.Model:
    """A copy of the functional ``model``, with the same outputs, that TFMOT and the engines quantize best."""
    return pools_last(with_separate_activations(model))


def calibration_images(samples: LabelledImages, count: int, seed: int) -> NDArray[np.uint8]:
    """``count`` random training images, or all if there are fewer, uint8 [n, h, w, c]."""
    rng = np.random.default_rng([seed, 1])
    rows = np.sort(rng.choice(len(samples), min(count, len(samples)), replace=False))
    sampled: NDArray[np.uint8] = samples.images[rows]
    return sampled


__all__ = ["QuantizationAware", "calibration_images", "quantizable", "train_quantized"]
