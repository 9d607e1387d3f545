"""`hanji search` as a function of a search space, a budget and an output directory."""

from __future__ import annotations

from pathlib import Path

from hanji.studies.budget import Budget
from hanji.studies.search.cached_evaluator import CachedEvaluator
from hanji.studies.search.outcome import Outcome
from hanji.studies.search.search import Limits, Search, trials_for
from hanji.studies.search.setup import Setup
from hanji.studies.search.space import Space
from hanji.studies.search.worker import Worker
from hanji.studies.sharing import alone
from hanji.studies.task import task_named
from hanji.training.progress import logger


def find_recipe(
    space: Space,
    budget: Budget,
    *,
    data: Path | None,
    out: Path,
    limits: Limits | None = None,
    seed: int = 0,
    command: str = "hanji search",
) -> Outcome:
    """Search, and write OUT/search.json and, if there is a winner, OUT/recipe.toml and OUT/bundle.

    Measurements of an earlier search in ``out`` are reused. ``seed`` is that of the search, not of the
    trainings. Raises HanjiError if the data cannot be read, the full model cannot be trained, or another
    command works in ``out``.
    """
    for line in space.skipped:
        logger.info(f"skipped: {line}")
    setup = setup_of(space, data=data, out=out)
    with alone(out, "hanji search"), Worker(setup) as worker:
        evaluator = CachedEvaluator(worker, setup)
        limits = limits or Limits(trials_for(space))
        result = Search(
            space, budget, evaluator, limits=limits, seed=seed, spent_s=lambda: evaluator.seconds
        ).run()
        outcome = Outcome(space, budget, result, command, seed, evaluator.seconds)
        outcome.write(out)
    return outcome


def setup_of(space: Space, *, data: Path | None, out: Path) -> Setup:
    """The setup of a search in ``out``; DataError if the data cannot be read."""
    base, task = space.base, task_named(space.base.task)
    dataset = task.load(base.settings("data", task.data_config), data, seed=base.seed)
    return Setup(base, space.formats, space.metric, data, out.resolve(), dataset.content)


__all__ = ["find_recipe", "setup_of"]
