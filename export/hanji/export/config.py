"""What to export and what the device does with ids it does not know: the ``[export]`` table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["tflite", "onnx", "tfjs"]
FORMATS: tuple[Format, ...] = ("tflite", "onnx", "tfjs")


@dataclass(frozen=True)
class ExportConfig:
    """Options of the export stage."""

    formats: tuple[Format, ...] = FORMATS
    """Which artifacts the bundle holds."""

    unknown_user: Literal["popularity", "error"] = "popularity"
    """What a user whom training never saw gets: a ranking by popularity, which says so, or an error. Not
    for history models, which know no users."""

    unknown_item: Literal["skip", "error"] = "skip"
    """What an unknown id in a history or among excluded items gets: skipped and counted, or an error."""

    def __post_init__(self) -> None:
        if not self.formats or len(set(self.formats)) != len(self.formats):
            raise ValueError(
                f"formats must name each format once and at least one, found {list(self.formats)}"
            )
