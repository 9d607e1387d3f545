"""Pictures that cannot be read: each named, too many of them an error."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError


class BrokenImages:
    """Collects the broken pictures over all parts of one reading."""

    def __init__(self, directory: Path, total: int, limit: float) -> None:
        self.directory = directory
        self.total = total
        """Pictures in all, good and bad."""
        self.limit = limit
        """Fraction of `total` that may be broken."""
        self.found: list[str] = []
        """Each by its path in the directory, with the reason."""

    def add(self, fault: str) -> None:
        """Note a broken picture, `fault` naming it; DataError if it is one more than the limit."""
        self.found.append(fault)
        if len(self.found) > self.limit * self.total:
            raise DataError(
                f"{self.directory}: expected at most {self.limit:.1%} of {self.total:,} pictures to be "
                f"unreadable, found {len(self.found):,} so far; the first is {self.found[0]}; remove or "
                f"replace them (hanji data check {self.directory} names them all), or raise data.broken_limit"
            )
