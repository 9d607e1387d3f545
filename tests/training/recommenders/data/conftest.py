"""Small sets of ratings in every supported format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

USERS, ITEMS, PER_USER = 12, 140, 9


@dataclass(frozen=True)
class Row:
    """One rating."""

    user: int
    item: int
    rating: float
    time: int


@pytest.fixture
def rows() -> list[Row]:
    """Each user rates nine items, every item is rated; times grow within a user."""
    rng = np.random.default_rng(7)
    found = []
    for user in range(1, USERS + 1):
        start = (user - 1) * ITEMS // USERS
        own = (start + np.arange(-2, 14)) % ITEMS  # neighbours share items
        chosen = np.sort(rng.choice(own, PER_USER, replace=False))
        found += [
            Row(user, int(item) + 1000, float(1 + item % 5), 900 + step) for step, item in enumerate(chosen)
        ]
    rated = {row.item for row in found}
    missing = sorted(set(range(1000, 1000 + ITEMS)) - rated)
    found += [Row(80 + place // 10, item, 3.0, 100 + place) for place, item in enumerate(missing)]
    return found


@pytest.fixture
def movielens_1m(tmp_path: Path, rows: list[Row]) -> Path:
    """A directory with ratings.dat and movies.dat."""
    lines = [f"{row.user}::{row.item}::{row.rating:g}::{row.time}" for row in rows]
    (tmp_path / "ratings.dat").write_text("\n".join(lines) + "\n")
    titles = [f"{item}::Café {item} (1999)::Drama|Musical" for item in sorted({row.item for row in rows})]
    (tmp_path / "movies.dat").write_bytes(("\n".join(titles) + "\n").encode("latin-1"))
    return tmp_path


@pytest.fixture
def csv_file(tmp_path: Path, rows: list[Row]) -> Path:
    """A CSV file with text ids, some of them with a comma, and a byte order mark."""
    lines = ["who,what,stars,when", *(f'"user, {r.user}",item-{r.item},{r.rating:g},{r.time}' for r in rows)]
    path = tmp_path / "plays.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


@pytest.fixture
def ncf(tmp_path: Path) -> Path:
    """The NCF files: 4 users, 110 items; item 109 is only a candidate."""
    train = [f"{user}\t{item}\t1\t0" for user in range(4) for item in range(user, 109, 2 if user < 2 else 30)]
    (tmp_path / "toy.train.rating").write_text("\n".join(train) + "\n")
    positives = [101, 102, 104, 109]
    (tmp_path / "toy.test.rating").write_text(
        "".join(f"{user}\t{item}\t5\t77\n" for user, item in enumerate(positives))
    )
    lines = []
    for user, item in enumerate(positives):
        negatives = [other for other in range(110) if other != item][-99:]
        if user == 0:
            negatives[0] = item  # as for 156 users of the benchmark
        lines.append(f"({user},{item})\t" + "\t".join(map(str, negatives)))
    (tmp_path / "toy.test.negative").write_text("\n".join(lines) + "\n")
    (tmp_path / "items.tsv").write_text('item\ttitle\tgenres\n0\t"Quoted" first\tDrama|War\n1\tSecond\t\n')
    return tmp_path
