"""The recommender for a device on MovieLens-1M: teacher, full model and the two students, five seeds.

    python benchmarks/movielens_1m_device.py --data ../shared/data/ml-1m

Every build is `hanji build` of examples/movielens-1m-device.toml or -smallest.toml with another seed; the
numbers of what ships come from the exported files through the runtime, each user's training interactions
being the history. The teacher (an ensemble) does not ship: its numbers are those that compression wrote
down. Hyperparameters were chosen on one interaction a user that the seed holds out of the training set.
"""

from __future__ import annotations

from pathlib import Path

from builds import ENGINES, ROOT, build, print_table, rows_by_name, seconds_by_stage, summarize
from common import parser, save, spread, verdict

DEVICE = ROOT / "examples" / "movielens-1m-device.toml"
SMALLEST = ROOT / "examples" / "movielens-1m-smallest.toml"
LONGEST_RUN_S = 45 * 60


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-movielens-1m-device")
    args = options.parse_args()
    result: dict[str, object] = {"seeds": args.seeds}
    for recipe in (DEVICE, SMALLEST):
        places = [args.out / f"{recipe.stem}-seed-{seed}" for seed in args.seeds]
        reports = [build(recipe, args.data, *pair) for pair in zip(places, args.seeds, strict=True)]
        result[recipe.stem] = found = summary_of(reports)
        print(f"\n{recipe.stem}")
        print_table(found["summary"])
        print_verdicts(found["summary"], recipe)
        longest = max(sum(report["seconds"].values()) for report in reports)
        print(verdict("longest whole run, seconds", longest, LONGEST_RUN_S, at_most=True))
    save("movielens-1m-device", result)


def summary_of(reports: list[dict]) -> dict:
    """Spreads by teacher, full model and engine, with the single rows and the recipe."""
    rows = rows_by_name(reports)
    teachers = [report["teacher_metrics"] for report in reports]
    teacher = {name: spread([metrics[name] for metrics in teachers]) for name in teachers[0]}
    return {
        "summary": {"teacher": teacher} | {name: summarize(found) for name, found in rows.items()},
        "seconds": seconds_by_stage(reports),
        "recipe": reports[0]["steps"],
        "rows": rows,
        "teachers": teachers,
    }


def print_verdicts(summary: dict, recipe: Path) -> None:
    """Whether the targets were reached, on the means over the seeds."""
    bounds = {DEVICE: (0.730, 0.4523, 234_000), SMALLEST: (0.725, 0.446, 128_000)}
    hit_ratio, ndcg, size = bounds[recipe]
    if recipe == DEVICE:
        print(verdict("teacher HR@10", summary["teacher"]["hr_at_10"]["mean"], 0.734, at_most=False))
        print(verdict("teacher NDCG@10", summary["teacher"]["ndcg_at_10"]["mean"], 0.458, at_most=False))
    for engine in ENGINES:
        found = summary[engine]
        print(verdict(f"{engine} HR@10", found["hr_at_10"]["mean"], hit_ratio, at_most=False))
        print(verdict(f"{engine} NDCG@10", found["ndcg_at_10"]["mean"], ndcg, at_most=False))
        print(verdict(f"{engine} bytes", found["bytes"]["max"], size, at_most=True))


if __name__ == "__main__":
    main()
