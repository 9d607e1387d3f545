"""What to export of a classifier: the ``[export]`` table."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.export.formats.names import FORMATS, Format, check_formats

EDGE_TPU_FORMATS: tuple[Format, ...] = ("tflite",)
"""The formats that the compiler of the Edge TPU reads."""


@dataclass(frozen=True)
class ImageExportConfig:
    """Options of the export stage."""

    formats: tuple[Format, ...] = FORMATS
    """The formats of the bundle."""

    edge_tpu: bool = False
    """An integer-only TFLite file for Google's Edge TPU, refused if it has an operator that the Edge TPU does
    not support; ``formats`` must then be ["tflite"]."""

    def __post_init__(self) -> None:
        check_formats(self.formats)
        if self.edge_tpu and self.formats != EDGE_TPU_FORMATS:
            raise ValueError(f'formats must be ["tflite"] with edge_tpu, found {list(self.formats)}')


__all__ = ["EDGE_TPU_FORMATS", "ImageExportConfig"]
