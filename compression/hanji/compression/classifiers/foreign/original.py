"""A model as it was given, in the framework it was made for: the reference of everything made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hanji.compression.classifiers.foreign.frozen import FrozenGraph, frozen
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.runtime.manifest import ImageInput
from hanji.training.errors import RecipeError
from hanji.training.reasons import reason_of

Kind = Literal["tf_keras", "keras 3", "saved model"]
Shape = tuple[int, int, int]
_REPEATED = 8  # images that are answered twice


@dataclass(frozen=True)
class Original:
    """A model that can be called, and what its conversion starts from."""

    kind: Kind
    where: str
    """Its name in messages: a path, or the name of a model."""

    source: Any
    """A tf_keras model, or the path of a SavedModel."""

    preprocessing: Preprocessing
    shape: Shape
    """Of its images: height, width, channels."""

    function: Any
    """The model as a tf.function: float32 [1, h, w, c] → [1, units]."""

    units: int

    @property
    def classes(self) -> int:
        """The number of classes; one unit tells two classes apart."""
        return max(self.units, 2)

    @property
    def image_input(self) -> ImageInput:
        """The images and the normalization that was given for them."""
        return self.preprocessing.image_input(*self.shape)

    @cached_property
    def graph(self) -> FrozenGraph:
        """What its output is computed from."""
        return frozen(self.function.get_concrete_function(), self.where)

    def outputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Float32 [n, units] of images uint8 [n, h, w, c], each for itself, as on a device.

        RecipeError for a model that answers the same image differently each time.
        """
        inputs = self.preprocessing.applied(images)
        found = np.concatenate([self._run(image[None]) for image in inputs])
        again = np.concatenate([self._run(image[None]) for image in inputs[:_REPEATED]])
        if not np.array_equal(again, found[:_REPEATED], equal_nan=True):
            raise RecipeError(
                f"{self.where}: expected the same output for the same image, found two different ones; a "
                "layer is random: call augmentation and dropout without training=True"
            )
        return found

    def _run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self.function(tf.constant(image)).numpy().astype(np.float32)
        return output


def opened_original(
    kind: Kind,
    where: str,
    source: Any,
    call: Callable[[Any], Any],
    dtype: Any,
    preprocessing: Preprocessing,
    shape: Shape,
) -> Original:
    """The Original of a model that ``call`` calls with images of ``dtype`` [1, h, w, c].

    RecipeError for a model that cannot be called with such images, or whose output is not one of classes.
    """
    preprocessing.image_input(*shape)  # raises unless it is for these channels
    _expect_pixels(dtype, preprocessing, where)
    spec = tf.TensorSpec([1, *shape], tf.float32)
    function = tf.function(lambda image: call(tf.cast(image, dtype)), input_signature=[spec], autograph=False)
    try:
        output = function(tf.zeros(spec.shape))
    except (ValueError, TypeError, RuntimeError, AttributeError, tf.errors.OpError) as error:
        raise RecipeError(
            f"{where}: cannot be called with one image {list(spec.shape)}: {reason_of(error)}; expected a "
            "model for images of this size, with a variable batch size or one of 1"
        ) from error
    if len(output.shape) != 2 or output.shape[0] != 1 or not output.shape[1]:
        raise RecipeError(
            f"{where}: expected an output [batch, classes], found {output.shape} for one image; end the "
            "model with a Flatten layer, or with the layer that computes the classes"
        )
    return Original(kind, where, source, preprocessing, shape, function, int(output.shape[1]))


def expect_image_input(shape: Any, where: str) -> None:
    """RecipeError unless the shape is that of images [B, h, w, 1 or 3]; None stands for an unknown size."""
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in (1, 3, None):
        raise RecipeError(
            f"{where}: expected one input of images [batch, height, width, 1 or 3 channels], found {shape}; "
            "transpose a model with channels first"
        )
    if shape[0] not in (1, None):
        raise RecipeError(
            f"{where}: expected a variable batch size, or one of 1, found {shape[0]}; save the model for "
            f"inputs {[None, *shape[1:]]}"
        )


def image_size(shape: tuple[int | None, ...], preprocessing: Preprocessing, where: str) -> tuple[int, int]:
    """Height and width of a model's images; RecipeError if neither the model nor the user states them."""
    height, width = shape[1] or preprocessing.height, shape[2] or preprocessing.width
    if not height or not width:
        raise RecipeError(
            f"{where}: expected a fixed input size, found a model for images of any size; set it with "
            "--size, such as --size 96x96"
        )
    if preprocessing.height and (height, width) != (preprocessing.height, preprocessing.width):
        raise RecipeError(
            f"{where}: expected the model's input size {height}×{width}, found "
            f"{preprocessing.height}×{preprocessing.width}; leave the size out"
        )
    return height, width


def _expect_pixels(dtype: Any, preprocessing: Preprocessing, where: str) -> None:
    """RecipeError if a model of integers would get fractions, which would be cut off."""
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1, 1)
    inputs = preprocessing.applied(np.repeat(pixels, max(len(preprocessing.mean), len(preprocessing.std)), 3))
    if dtype.is_integer and not np.array_equal(inputs, np.clip(np.round(inputs), dtype.min, dtype.max)):
        raise RecipeError(
            f"{where}: expected whole numbers as its input, which is {dtype.name}, found fractions or values "
            "out of range; such a model scales its images itself: use --scale 1"
        )


__all__ = ["Kind", "Original", "expect_image_input", "image_size", "opened_original"]
