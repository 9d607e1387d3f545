"""The self-test: replays golden.json, the outputs of each artifact recorded at export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.ids import ExternalId, Ids
from hanji.runtime.json_table import Table, as_number, parse_json
from hanji.runtime.results import SelfTest
from hanji.runtime.top_k import top_k


@dataclass(frozen=True)
class GoldenWhy:
    """Contribution of each item of a case's history to the score of ``item``, float64 [n]."""

    item: ExternalId
    shares: NDArray[np.float64]


@dataclass(frozen=True)
class GoldenCase:
    """A user or a history, the ids of its top k, and the scores (float64 [n]) of ``items``.

    ``items`` starts with the top k. Exactly one of ``user`` and ``history`` is set.
    """

    user: ExternalId | None
    history: tuple[ExternalId, ...] | None
    top: tuple[ExternalId, ...]
    items: tuple[ExternalId, ...]
    scores: NDArray[np.float64]
    why: GoldenWhy | None

    @property
    def name(self) -> str:
        if self.history is None:
            return f"user {self.user}"
        return f"history of {len(self.history)} items starting with {self.history[0]}"


@dataclass(frozen=True)
class GoldenArtifact:
    """The recorded outputs of one artifact, and the tolerance for each score."""

    tolerance: float
    cases: tuple[GoldenCase, ...]


@dataclass(frozen=True)
class Golden:
    """golden.json: recorded outputs by format, for artifacts that ran at export."""

    k: int
    artifacts: Mapping[str, GoldenArtifact]


Compute = Callable[[GoldenCase], NDArray[np.float32]]


def parse_golden(content: bytes, where: str = "golden.json") -> Golden:
    """Parse the golden cases in ``content``; BundleError naming the field if it is malformed."""
    table = parse_json(content, where)
    k = table.count("k")
    artifacts = {name: _artifact(entry, k) for name, entry in table.named_tables("artifacts").items()}
    return Golden(k, artifacts)


def replay(expected: GoldenArtifact, k: int, items: Ids, scores: Compute, shares: Compute) -> SelfTest:
    """Compare ``scores`` (float32 [items]) of each case, and ``shares`` of cases with a ``why``."""
    errors = []
    problems = []
    for case in expected.cases:
        error, problem = _replay_case(case, expected.tolerance, k, items, scores, shares)
        errors.append(error)
        if problem:
            problems.append(f"{case.name}: {problem}")
    kind = "users" if expected.cases[0].history is None else "histories"
    detail = (
        f"{len(errors)} {kind}, largest difference {max(errors):.3g} (tolerance {expected.tolerance:.3g})"
    )
    if problems:
        detail += f"; {len(problems)} failed, first: {problems[0]}"
    return SelfTest(not problems, len(errors), max(errors), expected.tolerance, detail)


def _replay_case(
    case: GoldenCase, tolerance: float, k: int, items: Ids, scores: Compute, shares: Compute
) -> tuple[float, str]:
    """The largest difference of one case, and a description of the problem, if any."""
    _indices(case.history or (), items)  # unknown ids raise here, regardless of the manifest's policy
    found = scores(case)
    score_error = float(np.abs(found[_indices(case.items, items)] - case.scores).max())
    share_error = float(np.abs(shares(case) - case.why.shares).max()) if case.why else 0.0
    unexpected = _unexpected_items(case, found, k, items, 2 * tolerance)
    problem = ""
    if score_error > tolerance:
        problem = f"a score differs by {score_error:.3g}"
    elif share_error > tolerance:
        problem = f"a share differs by {share_error:.3g}"
    elif unexpected:
        problem = f"unexpected items in the top {k}: {', '.join(map(str, unexpected))}"
    return max(score_error, share_error), problem


def _unexpected_items(
    case: GoldenCase, found: NDArray[np.float32], k: int, items: Ids, margin: float
) -> list[ExternalId]:
    """Items in the computed top k that are neither in the expected top k nor close to its lowest score."""
    expected = set(_indices(case.top, items))
    last = case.scores[k - 1]
    return [
        items.values[index]
        for index in top_k(found, k)
        if index not in expected and abs(float(found[index]) - last) > margin
    ]


def _indices(ids: tuple[ExternalId, ...], items: Ids) -> list[int]:
    return [items.known_index_of(item) for item in ids]


def _artifact(table: Table, k: int) -> GoldenArtifact:
    cases = tuple(_case(entry, k) for entry in table.tables("cases", shortest=1))
    return GoldenArtifact(table.number("tolerance", smallest=0), cases)


def _case(table: Table, k: int) -> GoldenCase:
    user = table.id("user") if "user" in table.keys or "history" not in table.keys else None
    history = table.ids("history") if "history" in table.keys else None
    if user is not None and history is not None:
        table.fail("history", "either a user or a history, not both")
    top, items = table.ids("top"), table.ids("items")
    scores = _numbers(table, "scores")
    if len(top) != k or items[:k] != top:
        table.fail("items", f"the {k} ids of 'top' first ('k' is {k})")
    if len(scores) != len(items):
        table.fail("scores", f"{len(items)} scores, one per entry of 'items'")
    why = _why(table, 0 if history is None else len(history)) if "why" in table.keys else None
    return GoldenCase(user, history, top, items, scores, why)


def _why(table: Table, length: int) -> GoldenWhy:
    if length == 0:
        table.fail("why", "no 'why' without a history")
    entry = table.table("why")
    shares = _numbers(entry, "shares")
    if len(shares) != length:
        entry.fail("shares", f"{length} shares, one per entry of 'history'")
    return GoldenWhy(entry.id("item"), shares)


def _numbers(table: Table, key: str) -> NDArray[np.float64]:
    numbers = [as_number(value) for value in table.array(key, shortest=1)]
    if None in numbers:
        table.fail(key, "an array of numbers")
    return np.array(numbers, np.float64)
