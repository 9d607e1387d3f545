"""The search itself: what is asked of which recipe, in which order, and when it is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hanji.studies.budget import Budget, beyond
from hanji.studies.search.candidate import LATENCY_MARGIN, Candidate, may_fit
from hanji.studies.search.chooser import Known, proposed
from hanji.studies.search.evaluator import Built, Evaluator, Finished
from hanji.studies.search.shapes import bytes_a_weight, longest_shared_prefix, shape_key
from hanji.studies.search.space import Point, Space
from hanji.studies.variant import FULL
from hanji.training.errors import HanjiError
from hanji.training.progress import logger

LARGEST_FIRST = 3
"""So many shapes are trained from the largest down before TPE has a say."""

_SHARE_OF_SPACE, _FEWEST_TRIALS = 20, 4


@dataclass(frozen=True)
class Limits:
    """When a search ends at the latest: recipes that are trained, and minutes that measuring took."""

    trials: int
    minutes: float | None = None


@dataclass(frozen=True)
class Searched:
    """All candidates in the space's order, the full model first where it was trained."""

    candidates: tuple[Candidate, ...]
    full: Built | None
    """None where nothing could fit, so that nothing was trained."""

    winner: Candidate | None
    closest: Candidate | None
    """Where there is no winner: the one that breaks the bounds by least."""

    stopped: str
    trials: int
    finished: Finished | None


def trials_for(space: Space) -> int:
    """How many recipes are trained unless somebody says: a twentieth of them, at least four."""
    return max(math.ceil(len(space.points) / _SHARE_OF_SPACE), _FEWEST_TRIALS)


class Search:
    """One search under one budget; ``spent_s`` tells the seconds that measuring has taken so far."""

    def __init__(
        self,
        space: Space,
        budget: Budget,
        evaluator: Evaluator,
        *,
        limits: Limits,
        seed: int,
        spent_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._space, self._budget, self._evaluator = space, budget, evaluator
        self._limits, self._seed, self._spent_s = limits, seed, spent_s
        self._candidates: dict[str, Candidate] = {}
        self._full: Candidate | None = None
        self._trained: list[Candidate] = []

    def run(self) -> Searched:
        """Ask until something ends it, then build the winner and read the test set for the first time.

        HanjiError if the data cannot be read or the full model cannot be trained.
        """
        self._look_at_shapes()
        while not (stopped := self._why_stop()):
            candidate = self._judged(self._next())
            self._candidates[candidate.point.variant.name] = candidate
            logger.info(line_of(candidate))
            self._leave_out_heavy()
        winner = self._best()
        return Searched(
            candidates=tuple(self._all()),
            full=None if self._full is None else self._full.built,
            winner=winner,
            closest=None if winner else self._closest(),
            stopped=stopped,
            trials=len(self._trained),
            finished=self._finished(winner),
        )

    @property
    def _smallest_wins(self) -> bool:
        """With a bound on the drop alone, the smallest file within it is what is looked for."""
        return self._budget.max_bytes is None and self._budget.max_latency_ms is None

    @property
    def _most_bytes(self) -> int | None:
        """What a file may have to be of interest."""
        best = self._best() if self._smallest_wins else None
        if best is None or best.built is None:
            return self._budget.max_bytes
        return best.built.bytes - 1

    @property
    def _full_metric(self) -> float | None:
        return self._full.built.metric if self._full and self._full.built else None

    def _look_at_shapes(self) -> None:
        points = self._space.points
        shapes = self._evaluator.shapes([point.variant for point in points])
        for point, shape in zip(points, shapes, strict=True):
            if isinstance(shape, str):
                candidate = Candidate(point, reason=shape, failed=True)
            else:
                candidate = Candidate(point, shape=shape)
            self._candidates[point.variant.name] = candidate
        self._leave_out_heavy()

    def _leave_out_heavy(self) -> None:
        """Those whose weights alone are too many; no network has to be built to know that."""
        most = self._most_bytes
        for name, candidate in self._candidates.items():
            shape = candidate.shape
            if most is not None and candidate.is_open and shape and shape.least_bytes > most:
                reason = f"its weights alone take {shape.least_bytes:,} bytes, {self._wanted(most)}"
                self._candidates[name] = replace(candidate, reason=reason)

    def _why_stop(self) -> str:
        """Empty as long as there is something to do."""
        if not self._open():
            left_out = any(one.status == "left out" for one in self._candidates.values())
            return "nothing else can fit" if left_out else "every recipe of the space was tried"
        if len(self._trained) >= self._limits.trials:
            return f"{self._limits.trials} recipes were trained (--trials)"
        minutes = self._limits.minutes
        if minutes is not None and self._spent_s() >= 60.0 * minutes:
            return f"{minutes:g} minutes are used up (--max-minutes)"
        return ""

    def _next(self) -> Candidate:
        """Different shapes from the largest down at first, then what TPE makes of what is known."""
        preferred = self._open()
        shapes = {one.shape.parameters for one in self._trained if one.shape}
        if len(self._trained) < LARGEST_FIRST:
            if self._smallest_wins:
                return preferred[len(preferred) // 2]
            new = [one for one in preferred if one.shape and one.shape.parameters not in shapes]
            if new:
                return new[0]
        known = [self._known(one) for one in self._candidates.values() if not one.is_open]
        choices = [dict(one.point.choice) for one in preferred]
        choice = proposed(self._space.axes, known, choices, self._seed)
        return preferred[choices.index(dict(choice))]

    def _open(self) -> list[Candidate]:
        """Undecided ones, those with the most weights alive first, of those the ones with the most bits.

        Larger students usually are better ones, and the files of the fewest bits have room for most weights.
        """
        found = [one for one in self._candidates.values() if one.is_open]

        def size(candidate: Candidate) -> tuple[float, float]:
            alive = candidate.shape.alive if candidate.shape else 0.0
            return -alive, -bytes_a_weight(candidate.point.variant)

        return sorted(found, key=size)

    def _known(self, candidate: Candidate) -> Known:
        built = candidate.built
        value = None if built is None else float(-built.bytes if self._smallest_wins else built.metric)
        return Known(candidate.point.choice, value, candidate.excess(self._budget, self._full_metric))

    def _judged(self, candidate: Candidate) -> Candidate:
        """From the cheapest question to the dearest, as far as there is hope."""
        try:
            candidate = self._sized(candidate)
            if candidate.is_open and self._budget.max_latency_ms is not None:
                candidate = self._timed(candidate, self._budget.max_latency_ms)
        except HanjiError as error:
            return replace(candidate, reason=str(error), failed=True)
        if not candidate.is_open:
            return candidate
        if self._full is None:
            self._full = self._measured(Candidate(Point(FULL, {})), self._evaluator.built(FULL, None))
        candidate = self._trained_and_measured(candidate)
        self._trained.append(candidate)
        return candidate

    def _sized(self, candidate: Candidate) -> Candidate:
        most = self._most_bytes
        if most is None:
            return candidate
        found = self._evaluator.untrained_bytes(shape_key(candidate.point.variant))
        candidate = replace(candidate, untrained_bytes=found)
        if may_fit(found, most):
            return candidate
        return replace(candidate, reason=f"untrained, its file takes {found:,} bytes, {self._wanted(most)}")

    def _timed(self, candidate: Candidate, most: float) -> Candidate:
        found = self._evaluator.untrained_ms(shape_key(candidate.point.variant))
        candidate = replace(candidate, untrained_ms=found)
        if found <= most * (1.0 + LATENCY_MARGIN):
            return candidate
        return replace(
            candidate, reason=f"untrained, its engine takes {found:.3g} ms, and {most:g} are wanted"
        )

    def _trained_and_measured(self, candidate: Candidate) -> Candidate:
        variant = candidate.point.variant
        logger.info(f"{variant.name}: training it")
        resume_from = longest_shared_prefix(variant, [one.point.variant for one in self._trained])
        try:
            return self._measured(candidate, self._evaluator.built(variant, resume_from))
        except HanjiError as error:
            return replace(candidate, reason=str(error), failed=True)

    def _measured(self, candidate: Candidate, built: Built) -> Candidate:
        full = self._full_metric
        drop = 0.0 if full is None else full - built.metric
        broken = self._budget.binding(bytes=built.bytes, latency_ms=built.latency_ms, drop=drop)
        return replace(candidate, built=built, drop=drop, reason="; ".join(broken))

    def _all(self) -> list[Candidate]:
        return [*([self._full] if self._full else []), *self._candidates.values()]

    def _best(self) -> Candidate | None:
        """The best metric among those that fit, of equals the smaller file; or the smallest file."""
        fitting = [one for one in self._all() if one.fits]

        def worth(candidate: Candidate) -> tuple[float, ...]:
            metric, size = (candidate.built.metric, -candidate.built.bytes) if candidate.built else (0.0, 0)
            return (size, metric) if self._smallest_wins else (metric, size)

        return max(fitting, key=worth, default=None)

    def _closest(self) -> Candidate | None:
        """Of what was decided; a size that is only known from the weights is looked up before it counts."""
        while True:
            decided = [one for one in self._all() if one.reason and not one.failed]
            nearest = min(decided, key=self._beyond, default=None)
            if nearest is None or nearest.built or nearest.untrained_bytes is not None:
                return nearest
            try:
                found = self._evaluator.untrained_bytes(shape_key(nearest.point.variant))
                measured = replace(nearest, untrained_bytes=found)
            except HanjiError as error:
                measured = replace(nearest, reason=str(error), failed=True)
            self._candidates[nearest.point.variant.name] = measured

    def _beyond(self, candidate: Candidate) -> float:
        return beyond(candidate.excess(self._budget, self._full_metric))

    def _finished(self, winner: Candidate | None) -> Finished | None:
        if winner is None or winner.built is None:
            return None
        finished = self._evaluator.finished(winner.point.variant)
        if finished.sha256 != winner.built.sha256:
            logger.warning(
                f"the bundle's file, {finished.bytes:,} bytes, is not the very one that was judged"
            )
        return finished

    def _wanted(self, most: int) -> str:
        return f"and at most {most:,} are wanted"


def line_of(candidate: Candidate) -> str:
    """One candidate in one line."""
    built = candidate.built
    found = f"{built.metric:.4f}, {built.bytes:,} bytes, {built.latency_ms:.3g} ms" if built else ""
    parts: Sequence[str] = [candidate.status, found, candidate.reason]
    return f"{candidate.point.variant.name}: {'; '.join(part for part in parts if part)}"


__all__ = ["LARGEST_FIRST", "Limits", "Search", "Searched", "line_of", "trials_for"]
