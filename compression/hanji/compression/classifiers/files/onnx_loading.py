"""Loads an ``.onnx`` file with its weights in other files, and in an IR version that engines read."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper, helper

from hanji.training.errors import ConversionError

LARGEST_FILE = 2**31 - 1
"""Bytes that a protobuf message, and therefore an ONNX file without other files, can have."""


def loaded(path: Path, content: bytes) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The model in ``content``, the file ``path``, and sentences on what had to be changed.

    The engine decides whether it is valid.

    Weights are read only from files in the model's own folder. ConversionError for a damaged file, for other
    paths, and for weights that do not fit into one file.
    """
    try:
        model = onnx.load_from_string(content)
    except (DecodeError, OSError, ValueError) as error:
        raise _neither(path, one_line(error)) from None
    if not model.graph.node or not model.graph.output:
        raise _neither(path, "there is no graph in it")
    return model, _load_weights(model, path)


def _neither(path: Path, reason: str) -> ConversionError:
    return ConversionError(f"{path}: expected a TFLite file or a valid ONNX model, found neither: {reason}")


def lower_ir_version(model: onnx.ModelProto) -> str:
    """Set the lowest IR version that allows the opsets of ``model``, in place; the sentence about it."""
    found = model.ir_version
    model.ir_version = helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True)
    return f"its IR version was lowered from {found} to {model.ir_version}"


def _load_weights(model: onnx.ModelProto, path: Path) -> tuple[str, ...]:
    """Move the weights in other files into ``model``; the sentence about it, if there are any."""
    own = model.ByteSize()
    try:
        # It refuses absolute paths, paths that lead out of the folder, and symbolic links.
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise ConversionError(
            f"{path}: expected its weights in the model's own folder, but they cannot be read: "
            f"{one_line(error)}; copy the files that belong to the model next to it, or save it again as "
            "one file"
        ) from None
    if (total := model.ByteSize()) > LARGEST_FILE:
        raise ConversionError(
            f"{path}: expected a model of less than 2 GiB with its weights, found {total / 2**30:.1f} GiB, "
            "which one ONNX file cannot hold; convert the weights to float16 or int8"
        )
    return ("the weights of other files were put into it",) if total != own else ()


def one_line(error: Exception) -> str:
    """The first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


__all__ = ["LARGEST_FILE", "loaded", "lower_ir_version", "one_line"]
