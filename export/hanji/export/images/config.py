"""What to export of a classifier: the ``[export]`` table."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.export.config import FORMATS, Format, check_formats


@dataclass(frozen=True)
class ImageExportConfig:
    """Options of the export stage."""

    formats: tuple[Format, ...] = FORMATS
    """Which artifacts the bundle holds."""

    def __post_init__(self) -> None:
        check_formats(self.formats)


__all__ = ["ImageExportConfig"]
