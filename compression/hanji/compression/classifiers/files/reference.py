"""What the original file answers, run as it was given, in its own layout and dtype.

The images are prepared here with numpy alone, so that a mistake in the rewriting of the file cannot be made
twice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.input_layout import InputLayout, input_layout, takes_levels
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.meaning import Answers
from hanji.compression.classifiers.files.original import Array, OriginalModel, is_quantized
from hanji.compression.classifiers.files.outputs import answers_of, chosen_output, class_outputs
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.runtime.manifest import ImageInput

Images = npt.NDArray[np.uint8]
_ROUNDING = {"float32": 1e-3, "float16": 2e-2}
_QUANTIZED_ROUNDING = 5e-2
"""Allowed differences relative to the largest output: engines fuse and order operations differently in
another file of the same network, and quantized networks carry a different last bit over a step."""


class NativeInput:
    """Turns images into the input of the original file; ``image_input`` is in the order of its channels."""

    def __init__(self, layout: InputLayout, image_input: ImageInput, *, bgr: bool) -> None:
        self._layout, self._image_input, self._bgr = layout, image_input, bgr

    def of(self, image: Images) -> Array:
        """The input for one image in RGB, uint8 [height, width, channels]."""
        height, width, _ = self._layout.size
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        centre = image[top : top + height, left : left + width]
        channels = centre[:, :, ::-1] if self._bgr else centre
        values = channels if self._image_input.normalized_by == "graph" else self._normalized(channels)
        if self._layout.order == "channels-first":
            values = np.moveaxis(values, 2, 0)
        return self._stored(values).reshape(self._layout.shape)

    def _normalized(self, levels: Images) -> npt.NDArray[np.float64]:
        mean, std = np.array(self._image_input.mean), np.array(self._image_input.std)
        values: npt.NDArray[np.float64] = (levels - mean) / std
        return values

    def _stored(self, values: Array) -> Array:
        source = self._layout.source
        if values.dtype.kind == "f" and source.dtype not in ("uint8", "int8"):
            values = values.astype(np.float32)  # what the runtime gives to the file
        if not is_quantized(source):
            return values.astype(source.dtype)
        steps = np.rint(values / float(source.scale or 1.0)) + int(source.zero_point or 0)
        limits = np.iinfo(source.dtype)
        return steps.clip(limits.min, limits.max).astype(source.dtype)


class NativeClassifier:
    """A model file that is run as it was given, with the settings that its images need.

    ConversionError for a file that is no image classifier, RecipeError if the settings contradict it or have
    to decide.
    """

    def __init__(self, model: OriginalModel, labels: ClassNames, settings: WrapSettings) -> None:
        self.model, self.labels, self.settings = model, labels, settings
        self.layout = input_layout(model, settings)
        levels = takes_levels(self.layout.source)
        own = settings.image_for(self.layout.size, takes_levels=levels, where=str(model.path))
        self.image_input = settings.in_rgb(own)
        self._native = NativeInput(self.layout, own, bgr=settings.is_bgr)

    def inputs(self, images: Images) -> list[Array]:
        """The inputs of the file for images in RGB, uint8 [n, height, width, channels]."""
        return [self._native.of(image) for image in images]

    def answers(self, images: Images) -> Answers:
        """What the file answers for them.

        ConversionError if the engine fails or no output fits, RecipeError if the settings have to decide.
        """
        model, settings = self.model, self.settings
        first = model.run(self._native.of(images[0]))
        tensors = class_outputs(model, first, len(self.labels.labels), settings)
        rows: dict[str, list[Array]] = {tensor.name: [] for tensor in tensors}
        for image in images:
            outputs = model.run(self._native.of(image))
            for name, values in rows.items():
                values.append(np.array(outputs[name]))  # engines may overwrite theirs in the next run
        found = [answers_of(model, tensor, rows[tensor.name]) for tensor in tensors]
        return chosen_output(model, found, settings)


def expected_values(answers: Answers, settings: WrapSettings) -> npt.NDArray[np.float64]:
    """The outputs of the bundle's file, [n, outputs].

    Logits of independent labels become probabilities; the values of the second of two classes, [n, 1], both.
    """
    values = answers.values
    if settings.gives == "multi-label-logits":
        return 0.5 * (1.0 + np.tanh(0.5 * values))  # the sigmoid, without overflow
    if values.shape[1] > 1 or not settings.has_one_label:
        return values
    return np.hstack([np.zeros_like(values) if settings.gives == "logits" else 1.0 - values, values])


def rounding_of(precision: str) -> float:
    """The difference that rounding explains in a file of ``precision``, relative to the size of an output."""
    return _ROUNDING.get(precision, _QUANTIZED_ROUNDING)


__all__ = ["Images", "NativeClassifier", "expected_values", "rounding_of"]
