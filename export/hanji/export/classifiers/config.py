"""What to export of a classifier: the ``[export]`` table."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.export.formats.names import FORMATS, Format, check_formats

EDGE_TPU_FORMATS: tuple[Format, ...] = ("tflite",)
"""The formats that the compiler of the Edge TPU reads."""

REQUIRED_FORMATS: tuple[Format, ...] = ("tflite",)
"""The formats that every bundle has unless it was asked for others; ONNX is made from TFLite."""


@dataclass(frozen=True)
class ImageExportConfig:
    """Options of the export stage."""

    formats: tuple[Format, ...] | None = None
    """The formats of the bundle; it is an error if one of them cannot represent the network. Default: TFLite,
    and ONNX and TF.js unless they cannot: such a format is left out, with a warning and a line in the
    report."""

    edge_tpu: bool = False
    """An integer-only TFLite file for Google's Edge TPU, refused if it has an operator that the Edge TPU does
    not support; ``formats`` must then be ["tflite"]."""

    def __post_init__(self) -> None:
        if self.formats is not None:
            check_formats(self.formats)
        if self.edge_tpu and self.formats != EDGE_TPU_FORMATS:
            found = list(self.formats or FORMATS)
            raise ValueError(f'formats must be ["tflite"] with edge_tpu, found {found}')


__all__ = ["EDGE_TPU_FORMATS", "REQUIRED_FORMATS", "ImageExportConfig"]
