"""Decides which operations a file needs at its ends, so that every runtime can open it."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from hanji.compression.classifiers.files.input_layout import InputLayout
from hanji.compression.classifiers.files.original import LEVELS, OriginalModel, is_quantized
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.signature_names import IMAGE, PROBABILITIES
from hanji.export.classifiers.wrap.steps import (
    CentreCrop,
    ChannelsFirst,
    Convert,
    Ends,
    Reshape,
    ReverseChannels,
    Sigmoid,
    Step,
    TwoClasses,
)
from hanji.runtime.manifest import ImageInput, Tensor

_RUNTIME_LEVELS = ("uint8", "int32")
_RUNTIME_QUANTIZED = ("uint8", "int8")


def planned_ends(
    model: OriginalModel,
    layout: InputLayout,
    image_input: ImageInput,
    result: Tensor,
    settings: WrapSettings,
) -> Ends:
    """The ends of a file that takes images as ``image_input`` prepares them; without notes if it can stay."""
    image = _taken(layout.source, (1, *image_input.shape))
    before = _before(layout, image, settings)
    classes = _given(result, settings)
    after = _after(result, classes, settings)
    reasons = _reasons(model, result)
    ends = Ends(layout.source, image, before, result, classes, after, reasons)
    return _named(ends) if ends.notes else _unchanged(model, ends)


def _taken(source: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The input of the bundle's file: that of the original in a dtype that every runtime can give."""
    plain = Tensor(source.name, "float32", shape, scale=None, zero_point=None)
    if is_quantized(source):
        return replace(source, shape=shape) if source.dtype in _RUNTIME_QUANTIZED else plain
    if source.dtype in LEVELS:
        return replace(plain, dtype=source.dtype if source.dtype in _RUNTIME_LEVELS else "uint8")
    return plain


def _given(result: Tensor, settings: WrapSettings) -> Tensor:
    """The output of the bundle's file: [1, classes], float32 or quantized."""
    values = prod(size or 0 for size in result.shape)
    classes = settings.names(values)
    keeps = classes == values and settings.gives != "multi-label-logits"
    if keeps and is_quantized(result) and result.dtype in _RUNTIME_QUANTIZED:
        return replace(result, shape=(1, values))
    return Tensor(result.name, "float32", (1, classes), scale=None, zero_point=None)


def _before(layout: InputLayout, image: Tensor, settings: WrapSettings) -> tuple[Step, ...]:
    steps: list[Step] = []
    height, width, channels = layout.size
    shape: tuple[int, ...] = (1, height, width, channels)
    _, rows, columns, _ = (int(size or 0) for size in image.shape)
    if (rows, columns) != (height, width):
        steps.append(CentreCrop((rows - height) // 2, (columns - width) // 2, height, width))
    if settings.is_bgr:
        steps.append(ReverseChannels())
    if layout.order == "channels-first":
        steps.append(ChannelsFirst())
        shape = tuple(shape[axis] for axis in (0, 3, 1, 2))
    if shape != layout.shape:
        steps.append(Reshape(layout.shape))
    if image.dtype != layout.source.dtype:
        steps.append(Convert(image, layout.source))
    return tuple(steps)


def _after(result: Tensor, classes: Tensor, settings: WrapSettings) -> tuple[Step, ...]:
    steps: list[Step] = []
    values = prod(size or 0 for size in result.shape)
    if result.shape != (1, values):
        steps.append(Reshape((1, values)))
    if result.dtype != classes.dtype:
        steps.append(Convert(result, replace(classes, shape=(1, values))))
    if classes.shape != (1, values):
        steps.append(TwoClasses(of_logit=settings.gives == "logits"))
    if settings.gives == "multi-label-logits":
        steps.append(Sigmoid())
    return tuple(steps)


def _reasons(model: OriginalModel, result: Tensor) -> tuple[str, ...]:
    reasons = []
    if len(model.outputs) > 1:
        reasons.append(f"of its {len(model.outputs)} outputs, only {result.name!r} is kept")
    if model.format == "tflite" and None in model.inputs[0].shape[1:]:
        reasons.append("its input has a fixed size")
    return tuple(reasons)


def _named(ends: Ends) -> Ends:
    """The new ends have names that tell them apart from the inner tensors."""
    image = replace(ends.image, name=IMAGE) if ends.before else ends.image
    classes = replace(ends.classes, name=PROBABILITIES) if ends.after else ends.classes
    return replace(ends, image=image, classes=classes)


def _unchanged(model: OriginalModel, ends: Ends) -> Ends:
    """The ends of a file that stays as it is: it may accept more than one image."""
    batch = model.inputs[0].shape[0]
    image, classes = (
        replace(tensor, shape=(batch, *tensor.shape[1:])) for tensor in (ends.image, ends.classes)
    )
    return replace(ends, image=image, classes=classes)


__all__ = ["planned_ends"]
