"""Quantization: what is decided here, the converters carry out.

Only ``int8-qat`` changes the network: the rounding is put into it, ranges are measured, then it is trained
on. For the other schemes the converter does it all, the integer ones with the calibration pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.quantization.max_pooling import pools_last
from hanji.compression.classifiers.quantization.qat import (
    Kept,
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
    """A network trained with the rounding in it."""

    model: keras.Model
    """TFMOT's, nothing in it but the rounding."""

    plain: keras.Model
    """The same weights in the float network that it was made of, batch normalizations still in."""


def train_quantized(
    model: keras.Model, step: ImageQuantize, fitting: Fitting, kept: Mapping[str, Kept]
) -> QuantizationAware:
    """``model`` with the rounding in the loop; ``kept`` says what of each layer must not change.

    RecipeError where TFMOT cannot put the rounding into the network.
    """
    seed_everything(fitting.seed)
    float_network = pools_last(model)
    if unknown := computed_in_float(float_network):
        logger.warning(
            f"int8-qat: computed in float, as TFMOT does not know how to round them: {', '.join(unknown)}"
        )
    rounded = quantization_aware(float_network, float_layers=step.float_layers, kept=kept)
    refresh_kernel_ranges(rounded)
    samples = calibration_images(fitting.dataset.train, step.calibration_images, fitting.seed)
    measure_ranges(rounded, samples, fitting.image_input, fitting.training.batch_size)
    averaged = "shared values" not in kept.values()  # the average of such kernels shares none

    schedule = fitting.schedule(step, averaged=averaged)
    hooks = Hooks(before_validation=lambda: refresh_kernel_ranges(rounded))
    fitting.fit(rounded, schedule, "Quantization-aware training", hooks=hooks)
    trained = without_preserving(rounded, float_network, step.float_layers) if kept else rounded
    return QuantizationAware(trained, in_float(float_network, trained))


def calibration_images(samples: LabelledImages, count: int, seed: int) -> NDArray[np.uint8]:
    """``count`` training pictures, or all if there are fewer, uint8 [n, h, w, c]: drawn by the seed."""
    rng = np.random.default_rng([seed, 1])
    rows = np.sort(rng.choice(len(samples), min(count, len(samples)), replace=False))
    chosen: NDArray[np.uint8] = samples.images[rows]
    return chosen


__all__ = ["QuantizationAware", "calibration_images", "train_quantized"]
