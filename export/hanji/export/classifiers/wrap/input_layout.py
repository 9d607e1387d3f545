"""Where height, width and channels are in a model's input.

The shape tells in most files. Exporters of transformers declare every size as symbolic; then the possible
layouts are tried in the engine, which accepts one of them, because kernels have as many channels as the
image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hanji.export.classifiers.wrap.original import (
    LEVELS,
    NUMBERS,
    OriginalModel,
    cannot_wrap,
    shape_text,
)
from hanji.export.classifiers.wrap.settings import WrapSettings
from hanji.export.classifiers.wrap.steps import is_quantized
from hanji.runtime.manifest import Tensor
from hanji.training.errors import ConversionError, RecipeError

_AXES = {4: ("nhwc", "nchw"), 3: ("hwc", "chw", "nhw")}
_ONE_INPUT = "export the model with the other inputs as constants"
_EXPECTED = "an input [1, height, width, 1 or 3 channels] or [1, 1 or 3 channels, height, width]"


@dataclass(frozen=True)
class InputLayout:
    """The input of a model for one image; ``axes`` names its dimensions, such as "nchw"."""

    axes: str
    source: Tensor
    """The input with fixed sizes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of ``source``."""
        return tuple(int(size or 0) for size in self.source.shape)

    @property
    def size(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        sizes = dict(zip(self.axes, self.shape, strict=True))
        return sizes["h"], sizes["w"], sizes.get("c", 1)

    @property
    def order(self) -> Literal["channels-first", "channels-last"]:
        """Whether the channels come before height and width."""
        return "channels-first" if self.axes in ("nchw", "chw") else "channels-last"


def input_layout(model: OriginalModel, settings: WrapSettings) -> InputLayout:
    """The layout of the only input.

    ConversionError if it is not one image of a supported dtype; RecipeError if a size is missing in the
    settings or contradicts the file, or if ``layout`` or ``channels`` have to decide.
    """
    tensor = _only_input(model)
    sized = [axes for axes in _AXES.get(len(tensor.shape), ()) if _is_image(tensor, axes)]
    if not sized:
        found = f"{tensor.name!r} of shape {shape_text(tensor.shape)}"
        raise cannot_wrap(model.path, found, _EXPECTED, "export the model again for one image, a batch of 1")
    chosen = [axes for axes in sized if _order(axes) == settings.layout] if settings.layout else sized
    if not chosen:
        raise RecipeError(
            f"{model.path}: layout: expected one that the input {tensor.name!r} of shape "
            f"{shape_text(tensor.shape)} can have, found {settings.layout!r}; leave it out"
        )
    layouts = [
        layout for axes in _likeliest(tensor, chosen) for layout in _layouts(model, tensor, axes, settings)
    ]
    return _decided(model, layouts)


def _only_input(model: OriginalModel) -> Tensor:
    if len(model.inputs) != 1:
        names = ", ".join(f"{tensor.name!r} {shape_text(tensor.shape)}" for tensor in model.inputs)
        raise cannot_wrap(
            model.path, f"{len(model.inputs)} inputs: {names}", "one input, an image", _ONE_INPUT
        )
    (tensor,) = model.inputs
    if tensor.dtype not in NUMBERS:
        raise cannot_wrap(
            model.path,
            f"the input {tensor.name!r} of dtype {tensor.dtype}",
            "float32, float16 or integers",
            "convert it to float32 or float16",
        )
    if tensor.dtype == "int8" and not is_quantized(tensor):
        raise cannot_wrap(model.path, f"int8 {tensor.name!r} without them", "a scale and a zero point")
    return tensor


def _is_image(tensor: Tensor, axes: str) -> bool:
    sizes = dict(zip(axes, tensor.shape, strict=True))
    if any(size is not None and size < 1 for size in sizes.values()):
        return False
    return sizes.get("n", 1) in (1, None) and sizes.get("c", 1) in (1, 3, None)


def _likeliest(tensor: Tensor, found: list[str]) -> list[str]:
    """Those of ``found`` whose channels are declared, or all of them."""
    declared = [axes for axes in found if "c" in axes and tensor.shape[axes.index("c")] is not None]
    declared += [axes for axes in found if "c" not in axes and not declared]
    return declared or found


def _layouts(model: OriginalModel, tensor: Tensor, axes: str, settings: WrapSettings) -> list[InputLayout]:
    """The layouts with these axes: one for each number of channels that the file allows."""
    where = str(model.path)
    sizes = dict(zip(axes, tensor.shape, strict=True))
    height = settings.side(sizes["h"], "height", where)
    width = settings.side(sizes["w"], "width", where)
    known = sizes.get("c", 1)
    expected = (settings.channels,) if settings.channels else (3, 1)
    possible = expected if known is None else (known,)
    if settings.channels and known not in (settings.channels, None):
        raise RecipeError(
            f"{where}: channels: expected {known}, as the model requires, found {settings.channels}; leave "
            "it out"
        )
    found = []
    for channels in possible:
        shape = {"n": 1, "h": height, "w": width, "c": channels}
        found.append(InputLayout(axes, replace(tensor, shape=tuple(shape[axis] for axis in axes))))
    return found


def _decided(model: OriginalModel, layouts: list[InputLayout]) -> InputLayout:
    """The only layout, or the only one that the engine accepts."""
    if len(layouts) == 1:
        return layouts[0]
    accepted, errors = [], []
    for layout in layouts:
        try:
            model.run(np.zeros(layout.shape, layout.source.dtype))
            accepted.append(layout)
        except ConversionError as error:
            errors.append(error)
    if not accepted:
        raise errors[0]
    if len({layout.size for layout in accepted}) == len({layout.order for layout in accepted}) == 1:
        return accepted[0]
    (example, *_), shape = accepted, shape_text(model.inputs[0].shape)
    if len({layout.order for layout in accepted}) == 1:
        raise RecipeError(
            f"{model.path}: the input {example.source.name!r} of shape {shape} takes 1 channel (grey) and 3 "
            "(RGB); set channels = 1 or channels = 3 in the preprocessing file"
        )
    raise RecipeError(
        f"{model.path}: the input {example.source.name!r} of shape {shape} may have its channels first or "
        'last; set layout = "channels-first" (as PyTorch exports) or layout = "channels-last" (as TensorFlow '
        "does) in the preprocessing file"
    )


def _order(axes: str) -> str:
    return "channels-first" if axes in ("nchw", "chw") else "channels-last"


def takes_levels(tensor: Tensor) -> bool:
    """Whether an input takes pixel values from 0 to 255."""
    return tensor.dtype in LEVELS and not is_quantized(tensor)


__all__ = ["InputLayout", "input_layout", "takes_levels"]
