"""What the quantizers of model files have in common.

A quantizer holds one float file with one input, and the images that it is calibrated with. It makes quantized
files from it, any number of them, with the same inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy.typing as npt

Images = Sequence[npt.NDArray[Any]]
"""Inputs of a file, one per image, each with the shape and dtype of the file's input."""

FileScheme = Literal["int8", "int16x8", "dynamic", "int8-weights", "float16"]
"""``int8-weights``: int8 weights that are dequantized before use; the others as in ``ImageQuantize``."""


@dataclass(frozen=True)
class Choice:
    """One way to quantize a file. ``per_channel``: a scale for each output channel of a kernel, or one."""

    scheme: FileScheme
    per_channel: bool = True
    float_layers: Collection[str] = ()
    """Names of ``FileQuantizer.layers`` that stay in float32."""

    only: str = ""
    """The one layer to quantize, with all others in float32; empty: all."""

    @property
    def granularity(self) -> str:
        """What has a scale of its own: ``channel`` or ``tensor``."""
        return "channel" if self.per_channel else "tensor"


class FileQuantizer(Protocol):
    """Quantizes one float ``.onnx`` or ``.tflite`` file."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The operators with weights, in execution order."""

    def quantized(self, choice: Choice) -> bytes:
        """The file quantized; ConversionError, naming the file, if the library refuses."""


__all__ = ["Choice", "FileQuantizer", "FileScheme", "Images"]
