"""Lines that could not be used: counted, the first few kept, too many of them an error."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError

_EXAMPLES = 5


class Faults:
    """Collects malformed lines over all files of one reading."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines = 0
        """Lines read, good and bad."""
        self.malformed = 0
        self.bad_times = 0
        """Malformed lines whose only fault is their time."""
        self.examples: list[str] = []

    def add_time(self, path: Path, line: int, time: float) -> None:
        """Note a line whose time is negative or not a number, as `add` does."""
        self.bad_times += 1
        self.add(path, line, f"expected a time of at least 0, found {time:g}")

    def add(self, path: Path, line: int, reason: str) -> None:
        """Note a malformed line; DataError if it is one more than the limit."""
        self.malformed += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{path.name}:{line}: {reason}")
        if self.malformed > self.limit:
            raise DataError(
                f"{path}: more than {self.limit} malformed lines; the first is {self.examples[0]}; "
                "check format and delimiter, or raise malformed_limit if such lines may be left out"
            )
