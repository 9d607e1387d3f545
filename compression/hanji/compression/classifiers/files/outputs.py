"""The output of a model that has one value per class, among all its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from hanji.compression.classifiers.files.meaning import Answers, contradiction
from hanji.compression.classifiers.files.original import (
    LEVELS,
    NUMBERS,
    Array,
    OriginalModel,
    cannot_wrap,
    is_quantized,
    real_values,
    shape_text,
)
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.runtime.manifest import Tensor
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.progress import logger

_EXPECTED = "an output [1, classes] with one value per class, or one value per image for two classes"


def class_outputs(
    model: OriginalModel, first: Mapping[str, Array], labels: int, settings: WrapSettings
) -> tuple[Tensor, ...]:
    """The outputs that may hold one value for each of ``labels``, with the shapes found in ``first``.

    ``first`` are all outputs for one image. ConversionError if there is none; RecipeError if the settings
    name one that does not exist.
    """
    tensors = [_observed(tensor, first) for tensor in model.outputs]
    if settings.output:
        tensors = [_named(model, tensors, settings.output)]
    if len(tensors) == 1:
        _expect_classes(model, tensors[0], settings)
        return tuple(tensors)
    fitting = [
        tensor
        for tensor in tensors
        if not _objection(tensor, settings) and settings.names(_values(tensor)) == labels
    ]
    if not fitting:
        raise ConversionError(
            f"{model.path}: expected an output with one value for each of {labels} labels, found "
            f"{_listed(tensors)}; set output to the name of the right one in the preprocessing file, "
            "and give one label for each of its values"
        )
    return tuple(fitting)


def chosen_output(model: OriginalModel, found: Sequence[Answers], settings: WrapSettings) -> Answers:
    """The answers of the only output that fits the settings.

    RecipeError if none of them or several can be what ``gives`` says.
    """
    fitting = [answers for answers in found if not contradiction(answers, settings.gives)]
    if len(found) == 1 and not fitting:
        where = f"{model.path}: the output {found[0].tensor.name!r}" if len(model.outputs) > 1 else model.path
        raise RecipeError(f"{where}: {contradiction(found[0], settings.gives)}")
    if len(fitting) != 1:
        names = _listed([answers.tensor for answers in found])
        raise RecipeError(
            f"{model.path}: expected one output that can hold {settings.gives}, found {len(fitting)} of "
            f'{names}; set output in the preprocessing file, such as output = "{found[0].tensor.name}"'
        )
    if len(model.outputs) > 1 and not settings.output:
        logger.info(
            f"{model.path.name}: of its {len(model.outputs)} outputs, {fitting[0].tensor.name!r} is used"
        )
    return fitting[0]


def answers_of(model: OriginalModel, tensor: Tensor, rows: Sequence[Array]) -> Answers:
    """One output's values for some images; ConversionError for values that are not finite."""
    values = np.stack([real_values(row, tensor).ravel() for row in rows])
    if not np.isfinite(values).all():
        raise ConversionError(
            f"{model.path}: expected finite values in the output {tensor.name!r}, found NaN or infinity; "
            "check scale, mean and std, and the model itself"
        )
    return Answers(tensor, values)


def _observed(tensor: Tensor, first: Mapping[str, Array]) -> Tensor:
    """``tensor`` with the shape that the engine returns; files may declare another, or none."""
    shape = first[tensor.name].shape if tensor.name in first else tensor.shape
    return replace(tensor, shape=tuple(shape))


def _named(model: OriginalModel, tensors: Sequence[Tensor], name: str) -> Tensor:
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    raise RecipeError(f"{model.path}: output: expected one of {_listed(tensors)}, found {name!r}")


def _expect_classes(model: OriginalModel, tensor: Tensor, settings: WrapSettings) -> None:
    if objection := _objection(tensor, settings):
        raise cannot_wrap(
            model.path, f"{tensor.name!r} of shape {shape_text(tensor.shape)}{objection}", _EXPECTED
        )


def _objection(tensor: Tensor, settings: WrapSettings) -> str:
    """Why a tensor does not hold one value per class; empty if it does. Values may be in any shape."""
    if tensor.dtype not in NUMBERS:
        return f" and dtype {tensor.dtype}; export the model with the values of all classes in float32"
    if settings.gives == "values" and _values(tensor):
        return ""
    if sum(size != 1 for size in tensor.shape) > 1 or not _values(tensor):
        return ", which is not one list of values; export the model with one value per class"
    if _values(tensor) == 1 and tensor.dtype in (*LEVELS, "int8") and not is_quantized(tensor):
        return (
            f" and dtype {tensor.dtype}, the index of the best class (ArgMax); export the model with the "
            "values that it is chosen by"
        )
    return ""


def _values(tensor: Tensor) -> int:
    return prod(size or 0 for size in tensor.shape)


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{tensor.name!r} {shape_text(tensor.shape)} {tensor.dtype}" for tensor in tensors)


__all__ = ["answers_of", "chosen_output", "class_outputs"]
