"""`hanji search` against the exhaustive grid of the same space, under a budget of bytes.

    python benchmarks/search_against_grid.py [--out DIR] [--only digits|synthetic]

Two spaces: search-digits.toml and search-synthetic.toml. The grid trains, exports and measures every
recipe, one after another, with the evaluator of the search: recipes share students and teachers there,
too. Then three searches with different seeds start from nothing, each in a folder of its own. What was
measured stays in DIR, so that a run that was stopped goes on.

Time is told twice: the seconds that all measurements took, the full model's training included (a search's
hold the bundle and the test set at its end as well), and the processors' seconds of everything, starts of
Python included, which do not depend on what else the machine does.

Targets: a search's best is within 10 % of the grid's best on validation, and takes a quarter of its time at
most.
"""

from __future__ import annotations

import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common import parser, save, spread, verdict

SEEDS = (0, 1, 2)
WITHIN, SHARE_OF_TIME = 0.9, 0.25
SPENT, DONE = "processor-seconds", "done"


@dataclass(frozen=True)
class Case:
    """A space and the bytes that a file may have."""

    name: str
    max_bytes: int

    @property
    def file(self) -> Path:
        return Path(__file__).parent / f"search-{self.name}.toml"


CASES = (Case("digits", 13_000), Case("synthetic", 30_000))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--out", type=Path, default=Path("out/search-against-grid"))
    arguments.add_argument("--only", choices=[case.name for case in CASES])
    arguments.add_argument("--afresh", action="store_true", help="forget what an earlier run measured")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; the same command goes on"))
    if options.afresh:
        shutil.rmtree(options.out, ignore_errors=True)
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    cases = [case for case in CASES if options.only in (None, case.name)]
    found = {case.name: compared(case, options.out / case.name) for case in cases}
    for name, result in found.items():
        print(f"{name}: {result['recipes']} recipes, {result['within_budget']} of them within the budget")
        print(verdict("worst metric over the grid's best", result["worst_ratio"], WITHIN, at_most=False))
        print(verdict("most time over the grid's", result["largest_share"], SHARE_OF_TIME, at_most=True))
        share = result["largest_share_of_processors"]
        print(verdict("most processor time over the grid's", share, SHARE_OF_TIME, at_most=True))
    if len(found) == len(CASES):
        save("search-against-grid", {"cases": found})


def compared(case: Case, out: Path) -> dict[str, object]:
    """The grid's best, and what three searches found in which time."""
    from hanji.studies.search.space import read_space

    space = read_space(case.file)
    with processor_seconds(out / "grid"):
        rows, grid_s = grid(space, out / "grid")
    grid_cpu = spent(out / "grid")
    fitting = [row for row in rows if row["bytes"] is not None and row["bytes"] <= case.max_bytes]
    best = max(fitting, key=lambda row: row["metric"])
    searches = []
    for seed in SEEDS:
        place = out / f"seed-{seed}"
        with processor_seconds(place):
            search = searched(space, case, place, seed)
        search["processor_seconds"] = spent(place)
        search["ratio"] = search["metric"] / best["metric"]
        search["share_of_time"] = search["seconds"] / grid_s
        search["share_of_processor_time"] = search["processor_seconds"] / grid_cpu
        searches.append(search)
    return {
        "max_bytes": case.max_bytes,
        "metric": space.metric,
        "recipes": len(space.points),
        "within_budget": len(fitting),
        "grid": {
            "seconds": grid_s,
            "processor_seconds": grid_cpu,
            "best": best,
            "metric_within_budget": spread([r["metric"] for r in fitting]),
        },
        "searches": searches,
        "worst_ratio": min(search["ratio"] for search in searches),
        "largest_share": max(search["share_of_time"] for search in searches),
        "largest_share_of_processors": max(search["share_of_processor_time"] for search in searches),
        "rows": rows,
    }


@contextmanager
def processor_seconds(out: Path) -> Iterator[None]:
    """Add what this process and children that ended in the block use to OUT/processor-seconds, until done."""
    if (out / DONE).exists():
        yield
        return
    before, start = spent(out), cpu_now()
    try:
        yield
    finally:
        out.mkdir(parents=True, exist_ok=True)
        (out / SPENT).write_text(f"{before + cpu_now() - start:.1f}\n")
    (out / DONE).touch()


def cpu_now() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def spent(out: Path) -> float:
    file = out / SPENT
    return float(file.read_text()) if file.exists() else 0.0


def grid(space, out: Path) -> tuple[list[dict[str, object]], float]:
    """Every recipe of the space, and the seconds of all."""
    from hanji.studies.search.cached_evaluator import CachedEvaluator
    from hanji.studies.search.setup import Setup
    from hanji.studies.search.shapes import longest_shared_prefix
    from hanji.studies.search.worker import Worker
    from hanji.studies.variant import FULL
    from hanji.training.errors import HanjiError

    setup = Setup(space.base, space.formats, space.metric, None, out.resolve())
    rows, done = [], []
    with Worker(setup) as worker:
        evaluator = CachedEvaluator(worker, setup)
        for variant in (FULL, *(point.variant for point in space.points)):
            try:
                built = evaluator.built(variant, longest_shared_prefix(variant, done))
            except HanjiError as error:
                sys.stderr.write(f"{variant.name}: {error}\n")
                rows.append({"name": variant.name, "bytes": None, "metric": None})
                continue
            done.append(variant)
            rows.append({"name": variant.name, "bytes": built.bytes, "metric": built.metric})
    return rows, round(evaluator.seconds, 1)


def searched(space, case: Case, out: Path, seed: int) -> dict[str, object]:
    """What one search finds."""
    from hanji.studies.budget import Budget
    from hanji.studies.search.run import find_recipe

    outcome = find_recipe(space, Budget("", max_bytes=case.max_bytes), data=None, out=out, seed=seed)
    found = outcome.searched
    if found.winner is None or found.winner.built is None or found.finished is None:
        sys.exit(f"{case.name}, seed {seed}: {outcome.binds}")
    return {
        "seed": seed,
        "found": found.winner.point.variant.name,
        "bytes": found.winner.built.bytes,
        "metric": found.winner.built.metric,
        "test": found.finished.winner[space.metric],
        "test_full": found.finished.full[space.metric],
        "trained": found.trials,
        "tried": [row.point.variant.name for row in found.candidates if row.built],
        "stopped": found.stopped,
        "seconds": round(outcome.seconds, 1),
    }


if __name__ == "__main__":
    main()
