"""`hanji search` compared with the exhaustive grid of the same space, with a limit on bytes.

    python benchmarks/search_against_grid.py [--out DIR] [--only digits|synthetic]

Two spaces: search-digits.toml and search-synthetic.toml. The grid trains, exports and measures all recipes,
one after another, with the evaluator of the search, so recipes share students and teachers as well. Then
three searches with different seeds start from scratch, each in its own directory. Measurements are kept in
DIR, so that an interrupted run resumes.

Time is reported twice: the seconds of all measurements, including the training of the full model (for a
search also the final bundle and test), and the CPU seconds of everything, including starts of Python, which
do not depend on other load on the machine.

Targets: the best recipe of a search is within 10 % of the grid's best on validation, and a search takes at
most a quarter of the grid's time.
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

from common import parser, save, spread, target_line

SEEDS = (0, 1, 2)
WITHIN, SHARE_OF_TIME = 0.9, 0.25
SPENT, DONE = "processor-seconds", "done"


@dataclass(frozen=True)
class Case:
    """A search space and the limit on the bytes of a file."""

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
    arguments.add_argument("--afresh", action="store_true", help="discard the measurements of an earlier run")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated; run the same command to resume"))
    if options.afresh:
        shutil.rmtree(options.out, ignore_errors=True)
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    cases = [case for case in CASES if options.only in (None, case.name)]
    results = {case.name: comparison(case, options.out / case.name) for case in cases}
    for name, result in results.items():
        print(f"{name}: {result['recipes']} recipes, {result['within_budget']} of them within the budget")
        print(target_line("worst metric / grid's best", result["worst_ratio"], WITHIN, at_most=False))
        print(target_line("longest time / grid's", result["largest_share"], SHARE_OF_TIME, at_most=True))
        share = result["largest_share_of_processors"]
        print(target_line("longest CPU time / grid's", share, SHARE_OF_TIME, at_most=True))
    if len(results) == len(CASES):
        save("search-against-grid", {"cases": results})


def comparison(case: Case, out: Path) -> dict[str, object]:
    """The grid's best recipe, and the results and times of three searches."""
    from hanji.studies.search.space import read_space

    space = read_space(case.file)
    with processor_seconds(out / "grid"):
        rows, grid_s = grid(space, out / "grid")
    grid_cpu = spent(out / "grid")
    fitting = [row for row in rows if row["bytes"] is not None and row["bytes"] <= case.max_bytes]
    best = max(fitting, key=lambda row: row["metric"])
    searches = []
    for seed in SEEDS:
        directory = out / f"seed-{seed}"
        with processor_seconds(directory):
            search = run_search(space, case, directory, seed)
        search["processor_seconds"] = spent(directory)
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
    """Add the CPU time of this process and its ended children in the block to OUT/processor-seconds."""
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
    """The results of every recipe of the space, and the total seconds."""
    from hanji.studies.search.cached_evaluator import CachedEvaluator
    from hanji.studies.search.run import setup_of
    from hanji.studies.search.shapes import longest_shared_prefix
    from hanji.studies.search.worker import Worker
    from hanji.studies.variant import FULL
    from hanji.training.errors import HanjiError

    setup = setup_of(space, data=None, out=out)
    rows, done = [], []
    with Worker(setup) as worker:
        evaluator = CachedEvaluator(worker, setup)
        for variant in (FULL, *(point.variant for point in space.points)):
            try:
                built = evaluator.build(variant, longest_shared_prefix(variant, done))
            except HanjiError as error:
                sys.stderr.write(f"{variant.name}: {error}\n")
                rows.append({"name": variant.name, "bytes": None, "metric": None})
                continue
            done.append(variant)
            rows.append({"name": variant.name, "bytes": built.bytes, "metric": built.metric})
    return rows, round(evaluator.seconds, 1)


def run_search(space, case: Case, out: Path, seed: int) -> dict[str, object]:
    """The result of one search."""
    from hanji.studies.budget import Budget
    from hanji.studies.search.run import find_recipe

    outcome = find_recipe(space, Budget("", max_bytes=case.max_bytes), data=None, out=out, seed=seed)
    result = outcome.result
    if result.winner is None or result.winner.built is None or result.finished is None:
        sys.exit(f"{case.name}, seed {seed}: {outcome.violations}")
    return {
        "seed": seed,
        "found": result.winner.point.variant.name,
        "bytes": result.winner.built.bytes,
        "metric": result.winner.built.metric,
        "test": result.finished.winner[space.metric],
        "test_full": result.finished.full[space.metric],
        "trained": result.trials,
        "tried": [row.point.variant.name for row in result.candidates if row.built],
        "stopped": result.stopped,
        "seconds": round(outcome.seconds, 1),
    }


if __name__ == "__main__":
    main()
