"""Counts of problems in the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hanji.training.recommenders.data.config import NEGATIVES


@dataclass(frozen=True)
class QualityReport:
    """Counts of lines and interactions that were read, and of those dropped by reason."""

    lines_read: int = 0
    """Lines of ratings, valid or malformed; headers and blank lines are not counted."""

    malformed_lines: int = 0
    malformed_examples: tuple[str, ...] = ()
    """The first few, each as file:line with the reason."""

    bad_timestamps: int = 0
    """Malformed lines whose only problem is a time that is negative or not a number."""

    duplicates: int = 0
    """Repeated interactions of a pair, of which only the latest is kept."""

    below_minimum_rating: int = 0
    users_dropped: int = 0
    items_dropped: int = 0
    interactions_dropped: int = 0
    """Users and items below the minimums, and their interactions."""

    users_training_only: int = 0
    """Users with fewer than two interactions, so that none can be held out."""

    users_untested: int = 0
    """Users with fewer items without an interaction than there are negatives, in training only."""

    users_after_training: int = 0
    """Users who begin after the point in time at which the data is split, in neither part."""

    negatives: int = NEGATIVES
    """Items among which each held-out item is ranked: 99, or fewer in a small catalogue."""

    unseen_returned: int = 0
    """Held-out items without any other interaction, returned to training without a test row."""

    unseen_kept: int = 0
    """Given test rows whose item is not in training, kept because the item is a given candidate."""

    unseen_dropped: int = 0
    """Test rows of a given split whose user is not in training, or whose item occurs nowhere else; of a split
    in time whose item occurs only later. Dropped."""

    test_in_training: int = 0
    """Given test rows whose pair is also in training, so that a model may have memorized it."""

    untitled_items: int = 0
    """Items without a title, which are shown by their id."""

    items_left_out: int = 0
    """Items with a title that nobody interacted with, which are not in the catalogue."""

    cold_items: int = 0
    """Items that nobody interacted with, which are in the catalogue (``data.cold_items``)."""

    notes: tuple[str, ...] = ()
    """What was decided by looking at the files, such as columns that were found by their names."""

    def table(self) -> dict[str, Any]:
        """The counts as a JSON-ready table."""
        return {
            **asdict(self),
            "malformed_examples": list(self.malformed_examples),
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """One line per nonzero count; "nothing to report" if all are zero."""
        return _lines(self) or ["nothing to report"]


def _lines(report: QualityReport) -> list[str]:
    counted = [
        (report.malformed_lines, "malformed lines, left out"),
        (report.bad_timestamps, "of them, only because of a time that is negative or not a number"),
        (report.duplicates, "duplicates of a (user, item) pair, left out; the latest of each was kept"),
        (report.below_minimum_rating, "interactions below minimum_rating, left out"),
        (report.users_dropped, "users with too few interactions, dropped"),
        (report.items_dropped, "items with too few interactions, dropped"),
        (report.interactions_dropped, "interactions dropped with them"),
        (report.users_training_only, "users with fewer than two interactions, in training only"),
        (
            report.users_untested,
            "users with too few items without an interaction to be tested, in training only",
        ),
        (report.users_after_training, "users who begin after the training data ends, left out"),
        (_fewer(report.negatives), f"items among which each held-out item is ranked, instead of {NEGATIVES}"),
        (report.unseen_returned, "held-out items without any other interaction, returned to training"),
        (report.unseen_kept, "test rows with an item that is not in training, kept as it is a candidate"),
        (report.unseen_dropped, "test rows with a user or item that is not in training, dropped"),
        (report.test_in_training, "test rows whose pair is also in training, kept (leakage)"),
        (report.untitled_items, "items without a title, shown by their id"),
        (
            report.items_left_out,
            "items in the items file without interactions, left out (data.cold_items = true keeps them)",
        ),
        (report.cold_items, "items without interactions, kept: their embeddings are predicted from texts"),
    ]
    lines = [f"{what}: {count:,}" for count, what in counted if count]
    return [*report.notes, *lines, *(f"  {example}" for example in report.malformed_examples)]


def _fewer(negatives: int) -> int:
    return negatives if negatives < NEGATIVES else 0
