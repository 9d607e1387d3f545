"""Full and compressed model on MovieLens-1M: complete builds with several seeds.

    python benchmarks/movielens_1m.py --data ../shared/data/ml-1m --seeds 0 1 2

Every build is `hanji build examples/movielens-1m.toml` with another seed; the results are those of its
report, measured on the exported files through the runtime. An existing build (same recipe, same seed) is
resumed, so the script can be killed and restarted.
"""

from __future__ import annotations

from pathlib import Path

from builds import ROOT, build, print_table, rows_by_name, seconds_by_stage, summarize
from common import parser, save, spread, target_line

RECIPE = ROOT / "examples" / "movielens-1m.toml"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-movielens-1m")
    args = options.parse_args()
    reports = [build(RECIPE, args.data, args.out / f"seed-{seed}", seed) for seed in args.seeds]
    rows = rows_by_name(reports)
    summary = {name: summarize(own) for name, own in rows.items()}
    seconds = seconds_by_stage(reports)
    steps = reports[0]["steps"]
    save(
        "movielens-1m",
        {"seeds": args.seeds, "summary": summary, "seconds": seconds, "recipe": steps, "rows": rows},
    )
    print_table(summary)
    print_targets(rows, reports)


def print_targets(rows: dict, reports: list[dict]) -> None:
    """Print whether the targets were reached by the means over the seeds."""

    def mean(name: str, metric: str) -> float:
        return spread([row["metrics"][metric] for row in rows[name]])["mean"]

    print(target_line("teacher HR@10", mean("full", "hr_at_10"), 0.705, at_most=False))
    print(target_line("teacher NDCG@10", mean("full", "ndcg_at_10"), 0.426, at_most=False))
    for metric in ("hr_at_10", "ndcg_at_10"):
        for engine in ("litert", "onnxruntime"):
            ratio = mean(engine, metric) / mean("full", metric)
            print(target_line(f"{metric} of int8 in {engine} / teacher", ratio, 0.99, at_most=False))
    ratio = min(
        full["bytes"] / small["bytes"] for full, small in zip(rows["full"], rows["litert"], strict=True)
    )
    print(target_line("teacher float32 TFLite bytes / int8 TFLite bytes, minimum", ratio, 8.0, at_most=False))
    slowest = max(report["seconds"]["train"] for report in reports)
    print(target_line("training of the teacher, slowest, seconds", slowest, 1200, at_most=True))


if __name__ == "__main__":
    main()
