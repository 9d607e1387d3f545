"""Shrinks a ``.tflite`` file without changing its results, for models with as much metadata as weights.

The converter stores 28 bytes per output channel of an int8 convolution in addition to its weights (scale and
zero point of kernel and bias, and the bias itself), and a long name per tensor. Here equal vectors are stored
once, and data that no engine reads is dropped.
"""

from __future__ import annotations

from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # TensorFlow brings it along

from hanji.export.formats.tflite_graph import opened, packed

KEPT_METADATA = (b"min_runtime_version",)


def compacted(content: bytes) -> bytes:
    """``content`` without data that no engine reads: inner tensor names, value ranges, converter metadata."""
    model, graphs = opened(content)
    for graph in graphs:
        graph.drop_inner_names()
        for tensor in graph.tensors:
            _drop_range(tensor)
    model.metadata = [entry for entry in model.metadata or [] if entry.name in KEPT_METADATA]
    model.description = None
    return packed(model, builder=SharingBuilder(len(content) + 2**20))


def _drop_range(tensor: Any) -> None:
    if tensor.quantization is not None:
        tensor.quantization.min = None
        tensor.quantization.max = None


class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """Writes equal numeric vectors and equal strings once; the format allows shared offsets."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], Any] = {}

    def CreateNumpyVector(self, x: Any) -> Any:  # noqa: N802 - flatbuffers' own name
        """The offset of this vector, or of an equal one that was written before."""
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def CreateString(self, s: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:  # noqa: N802
        """The offset of this string, or of an equal one that was written before."""
        text = s.encode(encoding, errors) if isinstance(s, str) else bytes(s)
        key = ("text", text)
        if key not in self._written:
            self._written[key] = super().CreateString(text)
        return self._written[key]


__all__ = ["SharingBuilder", "compacted"]
