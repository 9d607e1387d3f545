"""What the reading found wrong with the data, counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class QualityReport:
    """Counts of what was read, left out and why."""

    lines_read: int = 0
    """Lines of ratings, good and bad; headers and blank lines are not counted."""

    malformed_lines: int = 0
    malformed_examples: tuple[str, ...] = ()
    """The first few, each as file:line and what is wrong with it."""

    bad_timestamps: int = 0
    """Malformed lines whose only fault is a time that is negative or not a number."""

    duplicates: int = 0
    """Further interactions of a pair that was there already; the latest is kept."""

    below_minimum_rating: int = 0
    users_dropped: int = 0
    items_dropped: int = 0
    interactions_dropped: int = 0
    """Users and items below the minimums, and the interactions that went with them."""

    users_training_only: int = 0
    """Users with fewer than two interactions: nothing of theirs can be held out."""

    unseen_returned: int = 0
    """Held-out items that nobody else has: they went back to training, without a test row."""

    unseen_kept: int = 0
    """Given test rows whose item training never saw, kept because the item is among the given candidates."""

    unseen_dropped: int = 0
    """Given test rows whose user training never saw, or whose item is nowhere else: dropped."""

    test_in_training: int = 0
    """Given test rows whose very pair is in training, so that a model may have learned the answer."""

    untitled_items: int = 0
    """Items without a title of their own; their id is shown."""

    def table(self) -> dict[str, Any]:
        """The counts as a JSON-ready table."""
        return {**asdict(self), "malformed_examples": list(self.malformed_examples)}

    def lines(self) -> list[str]:
        """One line for each count that is not zero; "nothing to report" if all are."""
        return _lines(self) or ["nothing to report"]


def _lines(report: QualityReport) -> list[str]:
    counted = [
        (report.malformed_lines, "malformed lines, left out"),
        (report.bad_timestamps, "of them, only for a time that is negative or not a number"),
        (report.duplicates, "duplicates of a (user, item) pair, left out; the latest of each was kept"),
        (report.below_minimum_rating, "interactions below minimum_rating, left out"),
        (report.users_dropped, "users with too few interactions, dropped"),
        (report.items_dropped, "items with too few interactions, dropped"),
        (report.interactions_dropped, "interactions dropped with them"),
        (report.users_training_only, "users with fewer than two interactions, in training only"),
        (report.unseen_returned, "held-out items that nobody else has, returned to training"),
        (report.unseen_kept, "test rows with an item that training never saw, kept as it is a candidate"),
        (report.unseen_dropped, "test rows with a user or item that training never saw, dropped"),
        (report.test_in_training, "test rows whose pair is in training as well, kept but too easy"),
        (report.untitled_items, "items without a title, shown by their id"),
    ]
    lines = [f"{what}: {count:,}" for count, what in counted if count]
    return lines + [f"  {example}" for example in report.malformed_examples]
