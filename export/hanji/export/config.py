"""What to export and what the device does with ids it does not know: the ``[export]`` table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hanji.training.errors import RecipeError

Format = Literal["tflite", "onnx", "tfjs"]
FORMATS: tuple[Format, ...] = ("tflite", "onnx", "tfjs")


def check_formats(formats: tuple[Format, ...]) -> None:
    """ValueError unless each format is named once, and at least one."""
    if not formats or len(set(formats)) != len(formats):
        raise ValueError(f"formats must name each format once and at least one, found {list(formats)}")


def check_unknown_user(policy: str, *, knows_no_users: bool, where: str = "") -> None:
    """RecipeError for a policy that a history model, which knows no users, cannot have."""
    if knows_no_users and policy != ExportConfig.unknown_user:
        raise RecipeError(
            f"{where}unknown_user: expected none for a history model, which knows no users, "
            f"found {policy!r}; leave it out"
        )


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
        check_formats(self.formats)
