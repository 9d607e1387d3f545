"""`hanji search` as a function: a space, a budget and a place for the results."""

from __future__ import annotations

from pathlib import Path

from hanji.studies.budget import Budget
from hanji.studies.search.cached_evaluator import CachedEvaluator
from hanji.studies.search.outcome import Outcome
from hanji.studies.search.search import Limits, Search, trials_for
from hanji.studies.search.setup import Setup
from hanji.studies.search.space import Space
from hanji.studies.search.worker import Worker
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
    """Search, and write OUT/search.json; with a winner OUT/recipe.toml and OUT/bundle, too.

    What an earlier search in ``out`` measured is not measured again. ``seed`` is the search's own. Raises
    HanjiError where the data cannot be read or the full model cannot be trained.
    """
    for line in space.skipped:
        logger.info(f"no recipe: {line}")
    setup = Setup(space.base, space.formats, space.metric, data, out.resolve())
    with Worker(setup) as worker:
        evaluator = CachedEvaluator(worker, setup)
        limits = limits or Limits(trials_for(space))
        searched = Search(
            space, budget, evaluator, limits=limits, seed=seed, spent_s=lambda: evaluator.seconds
        ).run()
    outcome = Outcome(space, budget, searched, command, seed, evaluator.seconds)
    outcome.write(out)
    return outcome


__all__ = ["find_recipe"]
