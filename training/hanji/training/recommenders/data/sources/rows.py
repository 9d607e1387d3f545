"""What reading interactions needs of an engine: to copy texts from files, check, index and sort them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hanji.training.recommenders.data.raw import CANONICAL_INTEGER, Ids
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.header import Header
from hanji.training.recommenders.data.sources.table import Copied
from hanji.training.recommenders.data.sources.values import Options, Rules

if TYPE_CHECKING:
    import pyarrow as pa

INTEGER = CANONICAL_INTEGER.pattern
FLOAT = rf"({INTEGER})\.0+"


@dataclass(frozen=True)
class InteractionFile:
    """A file of interactions: its header, and its columns by role (user, item, and perhaps rating, time)."""

    header: Header
    roles: Mapping[str, str]


@dataclass(frozen=True)
class Indexed:
    """The sorted ``ids`` of a role; ``floats`` if some are integers that are written as ``43.0``."""

    ids: Ids
    floats: bool


class Rows(Protocol):
    """The rows of all files in one engine; two engines give the same results to the last bit.

    The methods are called in this order.
    """

    @property
    def engine(self) -> Engine:
        """The engine whose temporary files are used."""

    def copy(self, files: Sequence[InteractionFile]) -> Copied:
        """Copy the texts of the columns; DataError for a file that cannot be read."""

    def rules(self, roles: Mapping[str, str], where: str, options: Options) -> Rules:
        """How texts become values; see ``rules_for``."""

    def keep_valid(self, rules: Rules) -> tuple[int, int, int]:
        """Delete the malformed rows; the number of rows, of malformed ones, of bad times."""

    def spanning(self) -> int:
        """The number of rows with an id that spans several lines."""

    def index(self, role: str) -> Indexed:
        """Index the distinct ids of "user" or "item".

        Ids are integers if all are written as such, or as floats without a fraction; else text as it is
        written.
        """

    def sorted(self, rules: Rules) -> tuple[int, Iterator[pa.RecordBatch]]:
        """The number of rows, and the rows sorted by user, then time, then file order.

        Columns: ``u`` and ``i``, the indices, and ``rating`` and ``time`` as far as ``rules`` has them.
        """


__all__ = ["FLOAT", "INTEGER", "Indexed", "InteractionFile", "Rows"]
