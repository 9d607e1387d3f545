"""Converts an ONNX image classifier to a float TFLite file with onnx2tf.

The network is given to the converter with a fixed input size and its constants folded. The converter moves
channels to the end (NHWC). Nothing is claimed about the result: whoever uses it compares its answers with
those of the original.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from hanji.compression.classifiers.conversion.environment import PROGRAM, converter_python, converter_version
from hanji.compression.classifiers.files.input_layout import InputLayout
from hanji.compression.classifiers.files.onnx_preparation import prepared
from hanji.compression.classifiers.files.onnx_quantizer import REFUSALS
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.compression.classifiers.files.reference import NativeClassifier
from hanji.runtime.engines.base import one_line
from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError, RecipeError
from hanji.training.quiet import quiet

SECONDS = 900.0
"""Limit of a conversion; DenseNet-121 takes 7 seconds."""
_HINT = "leave tflite out of --formats"
WRONG = f"onnx2tf converts this network wrongly: {_HINT}"
"""What to do about a converted file that answers differently."""
_IMAGE = "hanji_image"
_FLOATS = ("float32", "float16")


def converted_classifier(classifier: NativeClassifier) -> NativeClassifier:
    """The ``.onnx`` file of ``classifier`` as a float ``.tflite`` file, with the same labels and settings.

    Raises ConverterMissingError if onnx2tf is not installed; ConversionError if it cannot convert the file,
    if that has quantized weights, or if the result does not take the same images.
    """
    model = classifier.model
    python = converter_python()
    precision, _ = model.stored()
    if precision not in _FLOATS:
        raise ConversionError(
            f"{model.path}: expected a float file to convert to TFLite, found one with {precision} weights; "
            "quantize the float file with `hanji compress --formats onnx,tflite`"
        )
    return of_converted(_converted(model, classifier.layout, python), classifier)


def of_converted(made: OriginalModel, original: NativeClassifier) -> NativeClassifier:
    """The classifier in ``made``, a ``.tflite`` file that was converted from the ONNX file of ``original``.

    ConversionError if it does not take the same images.
    """
    channels_last = made.inputs[0].shape == (1, *original.layout.size)
    settings = replace(original.settings, layout="channels-last" if channels_last else "")
    try:
        found = NativeClassifier(made, original.labels, settings)
    except RecipeError as error:
        raise ConversionError(f"onnx2tf's TFLite file: {error}; {_HINT}") from error
    if found.image_input != original.image_input:
        raise ConversionError(
            f"{made.path}: expected a TFLite file that takes the same images as the ONNX file, found an "
            f"input of {list(made.inputs[0].shape)} {made.inputs[0].dtype} from onnx2tf; {_HINT}"
        )
    return found


def _converted(model: OriginalModel, layout: InputLayout, python: Path) -> OriginalModel:
    with TemporaryDirectory(prefix="hanji-onnx2tf-") as directory:
        source, result = Path(directory, "model.onnx"), Path(directory, "model_float32.tflite")
        source.write_bytes(_fixed(model, layout))
        call_in_child(
            f"{__name__}:run_converter",
            {
                "python": str(python),
                "source": str(source),
                "shown": str(model.path),
                "kept": [_IMAGE] if layout.order == "channels-last" else [],
            },
            what=f"{model.path}: onnx2tf",
            hint=_HINT,
            seconds=SECONDS,
        )
        if not result.is_file():
            raise ConversionError(f"{model.path}: onnx2tf wrote no float32 TFLite file; {_HINT}")
        return read_model_file(result, named=model.path.with_suffix(".tflite"))


def run_converter(python: str, source: str, shown: str, kept: Sequence[str]) -> None:
    """Convert ``source`` to files beside it with the Python of the converter's environment, in the child.

    ``kept`` are inputs that keep their shape, ``shown`` is the name of the file in messages. ConversionError
    with the converter's reason.
    """
    # Isolated (-I), because PYTHONPATH names the packages of hanji's own environment.
    command = [python, "-I", str(PROGRAM), source, str(Path(source).parent), *kept]
    try:
        done = subprocess.run(  # noqa: S603 - our own script and our own environment
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ConversionError(f"{shown}: onnx2tf did not end within {SECONDS:g} s; {_HINT}") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ConversionError(
            f"{shown}: onnx2tf {converter_version()} cannot convert it to TFLite: {reason}; {_HINT}"
        )


def _fixed(model: OriginalModel, layout: InputLayout) -> bytes:
    """The ONNX file with sizes instead of symbols, with its constants folded and ``_IMAGE`` as its input."""
    given = onnx.load_from_string(model.content)
    (image,) = (value for value in given.graph.input if value.name == layout.source.name)
    sizes = {}
    for dimension, size in zip(image.type.tensor_type.shape.dim, layout.shape, strict=True):
        sizes[dimension.dim_param] = dimension.dim_value = size
    for value in given.graph.output:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param and dimension.dim_param in sizes:
                dimension.dim_value = sizes[dimension.dim_param]
    del given.graph.value_info[:]
    try:
        with quiet():
            made = prepared(given.SerializeToString())
    except REFUSALS as error:
        raise ConversionError(
            f"{model.path}: ONNX Runtime cannot optimize it for onnx2tf: {one_line(error)}; {_HINT}"
        ) from error
    # onnx2tf changes names such as input:0, and then does not find the input that is to keep its shape.
    for node in made.graph.node:
        node.input[:] = [_IMAGE if name == image.name else name for name in node.input]
    for value in made.graph.input:
        value.name = _IMAGE if value.name == image.name else value.name
    return bytes(made.SerializeToString(deterministic=True))


__all__ = ["WRONG", "converted_classifier", "of_converted", "run_converter"]
