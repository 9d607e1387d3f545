"""The search algorithm: which recipes are measured, in which order, and when the search stops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hanji.studies.budget import Budget, largest_excess
from hanji.studies.search.candidate import LATENCY_MARGIN, Candidate, may_fit
from hanji.studies.search.chooser import Observation, propose
from hanji.studies.search.evaluator import Built, Evaluator, Finished
from hanji.studies.search.shapes import bytes_per_weight, longest_shared_prefix, shape_key
from hanji.studies.search.space import Point, Space
from hanji.studies.variant import FULL
from hanji.training.errors import HanjiError
from hanji.training.progress import logger

LARGEST_FIRST = 3
"""Number of shapes to train, from the largest down, before TPE proposes recipes."""

_RECIPES_PER_TRIAL, _MIN_TRIALS = 20, 4


@dataclass(frozen=True)
class Limits:
    """Limits of a search: the number of trained recipes, and minutes of measuring."""

    trials: int
    minutes: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """All candidates in the order of the space, after the full model if it was trained."""

    candidates: tuple[Candidate, ...]
    full: Built | None
    """None if no recipe could fit, so that nothing was trained."""

    winner: Candidate | None
    closest: Candidate | None
    """If there is no winner: the candidate with the smallest excess."""

    stopped: str
    trials: int
    finished: Finished | None


def trials_for(space: Space) -> int:
    """The default number of recipes to train: a twentieth of them, at least four."""
    return max(math.ceil(len(space.points) / _RECIPES_PER_TRIAL), _MIN_TRIALS)


class Search:
    """One search under one budget; ``spent_s`` returns the seconds of measuring so far."""

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

    def run(self) -> SearchResult:
        """Evaluate recipes until a limit is reached, then build the winner and evaluate it on the test set.

        HanjiError if the data cannot be read or the full model cannot be trained.
        """
        self._add_candidates()
        while not (stopped := self._stop_reason()):
            candidate = self._evaluated(self._next())
            self._candidates[candidate.point.variant.name] = candidate
            logger.info(summary(candidate))
            self._leave_out_too_large()
        winner = self._best()
        return SearchResult(
            candidates=tuple(self._all()),
            full=None if self._full is None else self._full.built,
            winner=winner,
            closest=None if winner else self._closest(),
            stopped=stopped,
            trials=len(self._trained),
            finished=self._finish(winner),
        )

    @property
    def _minimizes_size(self) -> bool:
        """With a limit on the drop alone, the objective is the smallest file within it."""
        return self._budget.max_bytes is None and self._budget.max_latency_ms is None

    @property
    def _size_limit(self) -> int | None:
        """The largest file that could still win."""
        best = self._best() if self._minimizes_size else None
        if best is None or best.built is None:
            return self._budget.max_bytes
        return best.built.bytes - 1

    @property
    def _full_metric(self) -> float | None:
        return self._full.built.metric if self._full and self._full.built else None

    def _add_candidates(self) -> None:
        points = self._space.points
        shapes = self._evaluator.shapes([point.variant for point in points])
        for point, shape in zip(points, shapes, strict=True):
            if isinstance(shape, str):
                candidate = Candidate(point, reason=shape, failed=True)
            else:
                candidate = Candidate(point, shape=shape)
            self._candidates[point.variant.name] = candidate
        self._leave_out_too_large()

    def _leave_out_too_large(self) -> None:
        """Leave out candidates whose weights alone are over the size limit, without converting a model."""
        limit = self._size_limit
        for name, candidate in self._candidates.items():
            shape = candidate.shape
            if limit is not None and candidate.is_open and shape and shape.min_bytes > limit:
                reason = f"its weights alone take {shape.min_bytes:,} bytes, the limit is {limit:,}"
                self._candidates[name] = replace(candidate, reason=reason)

    def _stop_reason(self) -> str:
        """Why the search stops; empty as long as it continues."""
        if not self._open():
            left_out = any(candidate.status == "left out" for candidate in self._candidates.values())
            return "no other recipe can fit" if left_out else "all recipes of the space were tried"
        if len(self._trained) >= self._limits.trials:
            return f"{self._limits.trials} recipes were trained (--trials)"
        minutes = self._limits.minutes
        if minutes is not None and self._spent_s() >= 60.0 * minutes:
            return f"{minutes:g} minutes have passed (--max-minutes)"
        return ""

    def _next(self) -> Candidate:
        """The next candidate: at first the largest of a new shape, then the proposal of TPE."""
        preferred = self._open()
        shapes = {candidate.shape.parameters for candidate in self._trained if candidate.shape}
        if len(self._trained) < LARGEST_FIRST:
            if self._minimizes_size:
                return preferred[len(preferred) // 2]
            new = [
                candidate
                for candidate in preferred
                if candidate.shape and candidate.shape.parameters not in shapes
            ]
            if new:
                return new[0]
        evaluated = [candidate for candidate in self._candidates.values() if not candidate.is_open]
        observations = [self._observation(candidate) for candidate in evaluated]
        choices = [dict(candidate.point.choice) for candidate in preferred]
        choice = propose(self._space.axes, observations, choices, self._seed)
        return preferred[choices.index(dict(choice))]

    def _open(self) -> list[Candidate]:
        """The open candidates, sorted by non-zero parameters, then by bytes per weight, largest first.

        Larger students are usually better, and schemes with fewer bits have room for more weights.
        """
        candidates = [candidate for candidate in self._candidates.values() if candidate.is_open]

        def size(candidate: Candidate) -> tuple[float, float]:
            nonzero = candidate.shape.nonzero if candidate.shape else 0.0
            return -nonzero, -bytes_per_weight(candidate.point.variant)

        return sorted(candidates, key=size)

    def _observation(self, candidate: Candidate) -> Observation:
        built = candidate.built
        value = None if built is None else float(-built.bytes if self._minimizes_size else built.metric)
        return Observation(candidate.point.choice, value, candidate.excess(self._budget, self._full_metric))

    def _evaluated(self, candidate: Candidate) -> Candidate:
        """The candidate after its measurements, cheapest first, which end when it exceeds a limit."""
        try:
            candidate = self._sized(candidate)
            if candidate.is_open and self._budget.max_latency_ms is not None:
                candidate = self._timed(candidate, self._budget.max_latency_ms)
        except HanjiError as error:
            return replace(candidate, reason=str(error), failed=True)
        if not candidate.is_open:
            return candidate
        if self._full is None:
            self._full = self._measured(Candidate(Point(FULL, {})), self._evaluator.build(FULL, None))
        candidate = self._trained_and_measured(candidate)
        self._trained.append(candidate)
        return candidate

    def _sized(self, candidate: Candidate) -> Candidate:
        limit = self._size_limit
        if limit is None:
            return candidate
        size = self._evaluator.untrained_bytes(shape_key(candidate.point.variant))
        candidate = replace(candidate, untrained_bytes=size)
        if may_fit(size, limit):
            return candidate
        reason = f"the file of its untrained model has {size:,} bytes, the limit is {limit:,}"
        return replace(candidate, reason=reason)

    def _timed(self, candidate: Candidate, limit: float) -> Candidate:
        latency = self._evaluator.untrained_ms(shape_key(candidate.point.variant))
        candidate = replace(candidate, untrained_ms=latency)
        if latency <= limit * (1.0 + LATENCY_MARGIN):
            return candidate
        reason = f"its untrained model takes {latency:.3g} ms in the engine, the limit is {limit:g} ms"
        return replace(candidate, reason=reason)

    def _trained_and_measured(self, candidate: Candidate) -> Candidate:
        variant = candidate.point.variant
        logger.info(f"{variant.name}: training")
        resume_from = longest_shared_prefix(variant, [trained.point.variant for trained in self._trained])
        try:
            return self._measured(candidate, self._evaluator.build(variant, resume_from))
        except HanjiError as error:
            return replace(candidate, reason=str(error), failed=True)

    def _measured(self, candidate: Candidate, built: Built) -> Candidate:
        full = self._full_metric
        drop = 0.0 if full is None else full - built.metric
        violations = self._budget.violations(bytes=built.bytes, latency_ms=built.latency_ms, drop=drop)
        return replace(candidate, built=built, drop=drop, reason="; ".join(violations))

    def _all(self) -> list[Candidate]:
        return [*([self._full] if self._full else []), *self._candidates.values()]

    def _best(self) -> Candidate | None:
        """The candidate that fits with the best metric, ties to the smaller file; or the smallest file."""
        fitting = [candidate for candidate in self._all() if candidate.fits]

        def objective(candidate: Candidate) -> tuple[float, ...]:
            metric, size = (candidate.built.metric, -candidate.built.bytes) if candidate.built else (0.0, 0)
            return (size, metric) if self._minimizes_size else (metric, size)

        return max(fitting, key=objective, default=None)

    def _closest(self) -> Candidate | None:
        """The candidate over a limit with the smallest excess; its size is that of a file, not of weights."""
        while True:
            over = [candidate for candidate in self._all() if candidate.reason and not candidate.failed]
            closest = min(over, key=self._largest_excess, default=None)
            if closest is None or closest.built or closest.untrained_bytes is not None:
                return closest
            try:
                size = self._evaluator.untrained_bytes(shape_key(closest.point.variant))
                measured = replace(closest, untrained_bytes=size)
            except HanjiError as error:
                measured = replace(closest, reason=str(error), failed=True)
            self._candidates[closest.point.variant.name] = measured

    def _largest_excess(self, candidate: Candidate) -> float:
        return largest_excess(candidate.excess(self._budget, self._full_metric))

    def _finish(self, winner: Candidate | None) -> Finished | None:
        if winner is None or winner.built is None:
            return None
        finished = self._evaluator.finish(winner.point.variant)
        if finished.sha256 != winner.built.sha256:
            logger.warning(
                f"the model file of the bundle ({finished.bytes:,} bytes) differs from the measured one"
            )
        return finished


def summary(candidate: Candidate) -> str:
    """One candidate in one line."""
    built = candidate.built
    results = f"{built.metric:.4f}, {built.bytes:,} bytes, {built.latency_ms:.3g} ms" if built else ""
    parts: Sequence[str] = [candidate.status, results, candidate.reason]
    return f"{candidate.point.variant.name}: {'; '.join(part for part in parts if part)}"


__all__ = ["LARGEST_FIRST", "Limits", "Search", "SearchResult", "summary", "trials_for"]
