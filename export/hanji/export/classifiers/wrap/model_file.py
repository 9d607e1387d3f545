"""The metadata of a ``.tflite`` or ``.onnx`` image classifier, read from its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hanji.runtime.manifest import EngineRequirement, Tensor
from hanji.training.errors import ConversionError

LAYOUT = "[1, height, width, 1 or 3 channels]"


@dataclass(frozen=True)
class ModelFile:
    """A model with one image as input and one value per class as output."""

    path: Path
    format: str
    content: bytes
    """The content of the model file in the bundle."""

    input: Tensor
    output: Tensor
    precision: str
    parameters: int
    """The number of constant values stored in the file."""

    engines: tuple[EngineRequirement, ...]
    """The engines that run it; the outputs in golden.json are computed by the first."""

    note: str = ""
    """A sentence on how the file was changed, with a leading space; empty if unchanged."""

    @property
    def size(self) -> tuple[int | None, ...]:
        """Height, width and channels; None for a dynamic dimension."""
        return self.input.shape[1:]

    @property
    def classes(self) -> int:
        """The number of outputs per image."""
        return int(self.output.shape[-1] or 0)


def expect_classifier(
    path: Path, inputs: list[Tensor], outputs: list[Tensor], *, channels_first: str = ""
) -> tuple[Tensor, Tensor]:
    """The only input and output; ConversionError unless they are an image and one value per class."""
    if len(inputs) != 1 or len(outputs) != 1:
        raise _not_a_classifier(path, f"{len(inputs)} input(s) and {len(outputs)} output(s)", "one of each")
    image_input, classes = inputs[0], outputs[0]
    if (
        len(image_input.shape) != 4
        or image_input.shape[0] not in (1, None)
        or image_input.shape[3] not in (1, 3)
    ):
        expected = f"an input {LAYOUT}{channels_first}"
        raise _not_a_classifier(path, f"{image_input.name!r} of shape {_shape(image_input)}", expected)
    sizes = classes.shape[1:]
    if classes.shape[:1] not in ((1,), (None,)) or len(sizes) != 1 or (sizes[0] or 0) < 2:
        found = f"{classes.name!r} of shape {_shape(classes)}"
        raise _not_a_classifier(path, found, "an output [1, classes] with at least two classes")
    if image_input.dtype not in ("float32", "uint8", "int8", "int32") or classes.dtype not in (
        "float32",
        "uint8",
        "int8",
    ):
        found = f"input {image_input.dtype} and output {classes.dtype}"
        raise _not_a_classifier(path, found, "float32, uint8 or int8")
    for tensor in (image_input, classes):
        if tensor.dtype == "int8" and tensor.scale is None:
            raise _not_a_classifier(path, f"int8 {tensor.name!r} without them", "a scale and a zero point")
    if classes.dtype == "uint8" and classes.scale is None:
        raise _not_a_classifier(path, f"uint8 {classes.name!r} without them", "a scale and a zero point")
    return image_input, classes


def _not_a_classifier(path: Path, found: str, expected: str) -> ConversionError:
    return ConversionError(
        f"{path}: not an image classifier that can be wrapped: expected {expected}, found {found}"
    )


def _shape(tensor: Tensor) -> str:
    return "[" + ", ".join("any" if size is None else str(size) for size in tensor.shape) + "]"


__all__ = ["LAYOUT", "ModelFile", "expect_classifier"]
