"""The self-test: replays golden.json, which says what each artifact answered when it was exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.ids import Ids, OwnId
from hanji.runtime.json_table import Table, as_number, parse_json
from hanji.runtime.results import SelfTest
from hanji.runtime.top_k import top_k


@dataclass(frozen=True)
class GoldenCase:
    """One user: the ids of its top k, and the scores (float64 [n]) of ``items``, which begin with them."""

    user: OwnId
    top: tuple[OwnId, ...]
    items: tuple[OwnId, ...]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class GoldenArtifact:
    """What one artifact answered, and how far a score may be from it."""

    tolerance: float
    cases: tuple[GoldenCase, ...]


@dataclass(frozen=True)
class Golden:
    """golden.json: by artifact format, for those that ran at export."""

    k: int
    artifacts: Mapping[str, GoldenArtifact]


def parse_golden(content: bytes, where: str = "golden.json") -> Golden:
    """The golden cases in ``content``; BundleError naming the field if it is malformed."""
    table = parse_json(content, where)
    k = table.count("k")
    artifacts = {name: _artifact(entry, k) for name, entry in table.named_tables("artifacts").items()}
    return Golden(k, artifacts)


def replay(
    expected: GoldenArtifact, k: int, items: Ids, scores: Callable[[OwnId], NDArray[np.float32]]
) -> SelfTest:
    """Compares what ``scores`` (user id → float32 [items]) answers with what was expected."""
    errors = []
    problems = []
    for case in expected.cases:
        found = scores(case.user)
        error = float(np.abs(found[_indices(case.items, items)] - case.scores).max())
        errors.append(error)
        strays = _strays(case, found, k, items, 2 * expected.tolerance)
        if error > expected.tolerance:
            problems.append(f"user {case.user}: a score differs by {error:.3g}")
        elif strays:
            problems.append(f"user {case.user}: {', '.join(map(str, strays))} in the top {k}")
    detail = f"{len(errors)} users, largest difference {max(errors):.3g} (tolerance {expected.tolerance:.3g})"
    if problems:
        detail += f"; {len(problems)} failed, first {problems[0]}"
    return SelfTest(not problems, len(errors), max(errors), expected.tolerance, detail)


def _strays(case: GoldenCase, found: NDArray[np.float32], k: int, items: Ids, margin: float) -> list[OwnId]:
    """Items of the computed top k that are neither in the expected one nor close to its last score."""
    expected = set(_indices(case.top, items))
    last = case.scores[k - 1]
    return [
        items.values[index]
        for index in top_k(found, k)
        if index not in expected and abs(float(found[index]) - last) > margin
    ]


def _indices(ids: tuple[OwnId, ...], items: Ids) -> list[int]:
    return [items.known_index_of(own) for own in ids]


def _artifact(table: Table, k: int) -> GoldenArtifact:
    cases = tuple(_case(entry, k) for entry in table.tables("cases", shortest=1))
    return GoldenArtifact(table.number("tolerance", smallest=0), cases)


def _case(table: Table, k: int) -> GoldenCase:
    top, items = table.ids("top"), table.ids("items")
    scores = [as_number(value) for value in table.array("scores", shortest=1)]
    if None in scores:
        table.fail("scores", "an array of numbers")
    if len(top) != k or items[:k] != top:
        table.fail("items", f"the {k} ids of 'top' first, as many as 'k' says")
    if len(scores) != len(items):
        table.fail("scores", f"{len(items)} scores, one for each of 'items'")
    return GoldenCase(table.id("user"), top, items, np.array(scores, np.float64))
