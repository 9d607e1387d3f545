"""The on-device recommender on MovieLens-1M: teacher, full model and two students, five seeds.

    python benchmarks/movielens_1m_device.py --data ../shared/data/ml-1m

Every build is `hanji build` of examples/movielens-1m-device.toml or -smallest.toml with another seed; results
are measured on the exported files through the runtime, with each user's training interactions as the history.
The teacher (an ensemble) is not exported: its metrics are those recorded in compression. Hyperparameters were
chosen on one validation interaction per user, held out of the training set.
"""

from __future__ import annotations

from pathlib import Path

from builds import ENGINES, ROOT, build, print_table, rows_by_name, seconds_by_stage, summarize
from common import parser, save, spread, target_line

DEVICE = ROOT / "examples" / "movielens-1m-device.toml"
SMALLEST = ROOT / "examples" / "movielens-1m-smallest.toml"
MAX_RUN_S = 45 * 60


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-movielens-1m-device")
    args = options.parse_args()
    result: dict[str, object] = {"seeds": args.seeds}
    for recipe in (DEVICE, SMALLEST):
        directories = [args.out / f"{recipe.stem}-seed-{seed}" for seed in args.seeds]
        reports = [build(recipe, args.data, *pair) for pair in zip(directories, args.seeds, strict=True)]
        result[recipe.stem] = results = summary_of(reports)
        print(f"\n{recipe.stem}")
        print_table(results["summary"])
        print_targets(results["summary"], recipe)
        longest = max(sum(report["seconds"].values()) for report in reports)
        print(target_line("longest complete run, seconds", longest, MAX_RUN_S, at_most=True))
    save("movielens-1m-device", result)


def summary_of(reports: list[dict]) -> dict:
    """Spreads of the teacher, the full model and each engine, with the individual rows and the recipe."""
    rows = rows_by_name(reports)
    teachers = [report["teacher_metrics"] for report in reports]
    teacher = {name: spread([metrics[name] for metrics in teachers]) for name in teachers[0]}
    return {
        "summary": {"teacher": teacher} | {name: summarize(own) for name, own in rows.items()},
        "seconds": seconds_by_stage(reports),
        "recipe": reports[0]["steps"],
        "rows": rows,
        "teachers": teachers,
    }


def print_targets(summary: dict, recipe: Path) -> None:
    """Print whether the targets were reached by the means over the seeds."""
    bounds = {DEVICE: (0.730, 0.4523, 234_000), SMALLEST: (0.725, 0.446, 128_000)}
    hit_ratio, ndcg, size = bounds[recipe]
    if recipe == DEVICE:
        print(target_line("teacher HR@10", summary["teacher"]["hr_at_10"]["mean"], 0.734, at_most=False))
        print(target_line("teacher NDCG@10", summary["teacher"]["ndcg_at_10"]["mean"], 0.458, at_most=False))
    for engine in ENGINES:
        values = summary[engine]
        print(target_line(f"{engine} HR@10", values["hr_at_10"]["mean"], hit_ratio, at_most=False))
        print(target_line(f"{engine} NDCG@10", values["ndcg_at_10"]["mean"], ndcg, at_most=False))
        print(target_line(f"{engine} bytes", values["bytes"]["max"], size, at_most=True))


if __name__ == "__main__":
    main()
