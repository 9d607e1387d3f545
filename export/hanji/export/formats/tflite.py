"""TensorFlow's converter to TFLite, and what a ``.tflite`` file says of itself."""

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

FIRST_LITERT = "1.0.1"
_FIRST_LITERT_HOLDS = (2, 17)  # the TensorFlow whose operations LiteRT began with


@contextmanager
def converter_of(functions: tf.Module, only: Sequence[str]) -> Iterator[Any]:
    """TensorFlow's converter for the signatures ``only``, which are functions of ``functions``."""
    with tempfile.TemporaryDirectory(prefix="hanji-export-") as directory, quiet():
        hold_back_banner(tf.lite.Interpreter)  # the converter makes one of its own
        _save(functions, directory, only)
        yield tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=list(only))


@contextmanager
def conversion_errors(scheme: str, layers: str) -> Iterator[None]:
    """Turn what the converter raises into one clear ConversionError; ``layers`` are those it knows."""
    try:
        yield
    except (ConverterError, ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ConversionError(
            f"TFLite ({scheme}): expected a model of TFLite's own operations, but the converter "
            f"refused it: {_first_line(error)}; try a model of {layers} layers"
        ) from error


def _save(functions: tf.Module, directory: str, only: Sequence[str]) -> None:
    try:
        tf.saved_model.save(
            functions, directory, signatures={name: getattr(functions, name) for name in only}
        )
    except tf.errors.OpError as error:
        raise ConversionError(
            f"{directory}: the model could not be written for the converter: {_first_line(error)}; "
            "is there room for temporary files? TMPDIR names another place for them"
        ) from error


def _first_line(error: Exception) -> str:
    """What the converter says before it lists the whole graph."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def oldest_litert(content: bytes, checked: str) -> str:
    """The oldest LiteRT that holds every operation version of a ``.tflite`` file.

    ``checked`` is the version that ran it here: the answer where the file asks for more than the
    first LiteRT is known to hold, or does not say what it asks for.
    """
    needed = _min_runtime_version(content)
    return FIRST_LITERT if needed is not None and needed <= _FIRST_LITERT_HOLDS else checked


def tensor_names(content: bytes, signature: str) -> dict[str, str]:
    """The names of a signature's inputs and outputs, by the names that their tensors have in the file."""
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
    """Major and minor of the TensorFlow version that the file's own metadata asks for."""
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == b"min_runtime_version":
            text = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes().rstrip(b"\0").decode("ascii")
            match = re.match(r"(\d+)\.(\d+)", text)
            return (int(match[1]), int(match[2])) if match else None
    return None


__all__ = ["FIRST_LITERT", "conversion_errors", "converter_of", "oldest_litert", "tensor_names"]
