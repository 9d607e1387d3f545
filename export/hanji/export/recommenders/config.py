"""The ``[export]`` table: the formats to export and the policies for unknown ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hanji.export.formats.names import FORMATS, Format, check_formats
from hanji.training.errors import RecipeError


def check_unknown_user(policy: str, *, has_users: bool, where: str = "") -> None:
    """RecipeError for an unknown-user policy if the model has no users."""
    if not has_users and policy != ExportConfig.unknown_user:
        raise RecipeError(
            f"{where}unknown_user: expected none for a history model, which has no users, "
            f"found {policy!r}; leave it out"
        )


@dataclass(frozen=True)
class ExportConfig:
    """Options of the export stage."""

    formats: tuple[Format, ...] = FORMATS
    """The formats of the bundle."""

    unknown_user: Literal["popularity", "error"] = "popularity"
    """Answer for a user that is not in the training data: a ranking by popularity, marked as such, or an
    error. Not for history models, which have no users."""

    unknown_item: Literal["skip", "error"] = "skip"
    """What happens to an unknown id in a history or among excluded items: skipped and counted, or an
    error."""

    def __post_init__(self) -> None:
        check_formats(self.formats)
