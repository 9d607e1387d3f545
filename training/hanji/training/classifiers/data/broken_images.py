"""Unreadable images: each is reported by name, and too many of them are an error."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError


class BrokenImages:
    """Collects the unreadable images of all parts of a data set."""

    def __init__(self, directory: Path, total: int, limit: float) -> None:
        self.directory = directory
        self.total = total
        """Number of images, readable or not."""
        self.limit = limit
        """Fraction of `total` that may be unreadable."""
        self.reports: list[str] = []
        """One line per unreadable image: its path in the directory and the reason."""

    def add(self, report: str) -> None:
        """Record an unreadable image; DataError if there are more than the limit allows."""
        self.reports.append(report)
        if len(self.reports) > self.limit * self.total:
            raise DataError(
                f"{self.directory}: expected at most {self.limit:.1%} of {self.total:,} images to be "
                f"unreadable, found {len(self.reports):,} so far; the first is {self.reports[0]}; remove or "
                f"replace them (hanji data check {self.directory} lists them all), or raise data.broken_limit"
            )
