"""What a ``.tflite`` or ``.onnx`` file says of itself, where it is a classifier of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hanji.runtime.manifest import EngineRequirement, Tensor
from hanji.training.errors import ConversionError

LAYOUT = "[1, height, width, 1 or 3 channels]"


@dataclass(frozen=True)
class ModelFile:
    """A model with one picture in and one number a class out."""

    path: Path
    format: str
    content: bytes
    """Of the file that the bundle holds."""

    input: Tensor
    output: Tensor
    precision: str
    parameters: int
    """Numbers stored in it as constants."""

    engines: tuple[EngineRequirement, ...]
    """Those that run it; the first is the one that it is asked in here."""

    note: str = ""
    """What was changed in the file, in words; it begins with a space."""

    @property
    def size(self) -> tuple[int | None, ...]:
        """Height, width and channels; None for a side that may be any."""
        return self.input.shape[1:]

    @property
    def classes(self) -> int:
        """How many numbers it gives for a picture."""
        return int(self.output.shape[-1] or 0)


def expect_classifier(
    path: Path, inputs: list[Tensor], outputs: list[Tensor], *, channels_first: str = ""
) -> tuple[Tensor, Tensor]:
    """The only input and output; ConversionError unless they are a picture and one number a class."""
    if len(inputs) != 1 or len(outputs) != 1:
        raise _no_classifier(path, f"{len(inputs)} input(s) and {len(outputs)} output(s)", "one of each")
    image_input, classes = inputs[0], outputs[0]
    if (
        len(image_input.shape) != 4
        or image_input.shape[0] not in (1, None)
        or image_input.shape[3] not in (1, 3)
    ):
        expected = f"an input {LAYOUT}{channels_first}"
        raise _no_classifier(path, f"{image_input.name!r} of the shape {_listed(image_input)}", expected)
    sizes = classes.shape[1:]
    if classes.shape[:1] not in ((1,), (None,)) or len(sizes) != 1 or (sizes[0] or 0) < 2:
        found = f"{classes.name!r} of the shape {_listed(classes)}"
        raise _no_classifier(path, found, "an output [1, classes] of at least two classes")
    if image_input.dtype not in ("float32", "uint8", "int8", "int32") or classes.dtype not in (
        "float32",
        "uint8",
        "int8",
    ):
        found = f"{image_input.dtype} in and {classes.dtype} out"
        raise _no_classifier(path, found, "float32, uint8 or int8")
    for tensor in (image_input, classes):
        if tensor.dtype == "int8" and tensor.scale is None:
            raise _no_classifier(path, f"{tensor.name!r} as int8 without them", "a scale and a zero point")
    if classes.dtype == "uint8" and classes.scale is None:
        raise _no_classifier(path, f"{classes.name!r} as uint8 without them", "a scale and a zero point")
    return image_input, classes


def _no_classifier(path: Path, found: str, expected: str) -> ConversionError:
    return ConversionError(
        f"{path}: not a picture classifier that can be wrapped: expected {expected}, found {found}"
    )


def _listed(tensor: Tensor) -> str:
    return "[" + ", ".join("any" if size is None else str(size) for size in tensor.shape) + "]"


__all__ = ["LAYOUT", "ModelFile", "expect_classifier"]
