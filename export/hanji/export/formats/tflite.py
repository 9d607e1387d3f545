"""TensorFlow's TFLite converter, and the metadata of a ``.tflite`` file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

from hanji.export.formats.quiet import quiet
from hanji.runtime.engines.banner import hold_back_banner
from hanji.training.errors import ConversionError
from hanji.training.reasons import reason_of

FIRST_LITERT = "1.0.1"
_FIRST_LITERT_TENSORFLOW = (2, 17)  # the first LiteRT has the operators of this TensorFlow version


@contextmanager
def converter_of(functions: tf.Module, only: Sequence[str]) -> Iterator[Any]:
    """TensorFlow's converter for the signatures ``only``, which are functions of ``functions``."""
    with saved(functions, only) as directory, converter_of_saved(directory, only) as converter:
        yield converter


@contextmanager
def saved(functions: tf.Module, only: Sequence[str]) -> Iterator[str]:
    """The path of a temporary SavedModel with the signatures ``only``."""
    with tempfile.TemporaryDirectory(prefix="hanji-export-") as directory:
        with quiet():
            _save(functions, directory, only)
        yield directory


@contextmanager
def converter_of_saved(directory: str, only: Sequence[str]) -> Iterator[Any]:
    """TensorFlow's converter for the signatures ``only`` of a SavedModel."""
    with quiet():
        hold_back_banner(tf.lite.Interpreter)  # the converter creates an interpreter
        yield tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=list(only))


@contextmanager
def conversion_errors(scheme: str, layers: str) -> Iterator[None]:
    """Turn the converter's exceptions into a ConversionError; ``layers`` lists the supported layer types."""
    try:
        yield
    except (ConverterError, ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ConversionError(
            f"TFLite ({scheme}): expected a model of TFLite builtin operations, but the converter "
            f"rejected it: {reason_of(error)}; try a model of {layers} layers"
        ) from error


def _save(functions: tf.Module, directory: str, only: Sequence[str]) -> None:
    try:
        tf.saved_model.save(
            functions, directory, signatures={name: getattr(functions, name) for name in only}
        )
    except tf.errors.OpError as error:
        raise ConversionError(
            f"{directory}: the model could not be saved for the converter: {reason_of(error)}; "
            "check the free space for temporary files, or set TMPDIR to another directory"
        ) from error


def oldest_litert(content: bytes, checked: str) -> str:
    """The oldest LiteRT version that supports every operator version in a ``.tflite`` file.

    ``checked`` is the version that the file was run with. It is returned if the file requires more than the
    first LiteRT release is known to support, or does not state its requirement.
    """
    needed = _min_runtime_version(content)
    return FIRST_LITERT if needed is not None and needed <= _FIRST_LITERT_TENSORFLOW else checked


def tensor_names(content: bytes, signature: str) -> dict[str, str]:
    """The names of a signature's inputs and outputs, by the names of their tensors in the file."""
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.SignatureDefsLength()):
        found = model.SignatureDefs(index)
        if found.SignatureKey() == signature.encode():
            graph = model.Subgraphs(found.SubgraphIndex())
            ends = [found.Inputs(number) for number in range(found.InputsLength())]
            ends += [found.Outputs(number) for number in range(found.OutputsLength())]
            return {_tensor_name(graph, end): end.Name().decode() for end in ends}
    raise ConversionError(f"expected the signature {signature!r} in the TFLite file, found none of that name")


def _tensor_name(graph: Any, end: Any) -> str:
    return str(graph.Tensors(end.TensorIndex()).Name().decode())


def _min_runtime_version(content: bytes) -> tuple[int, int] | None:
    """The major and minor TensorFlow version that the file's metadata requires."""
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == b"min_runtime_version":
            text = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes().rstrip(b"\0").decode("ascii")
            match = re.match(r"(\d+)\.(\d+)", text)
            return (int(match[1]), int(match[2])) if match else None
    return None


__all__ = [
    "FIRST_LITERT",
    "conversion_errors",
    "converter_of",
    "converter_of_saved",
    "oldest_litert",
    "saved",
    "tensor_names",
]
