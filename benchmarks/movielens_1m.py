"""Full against compressed on MovieLens-1M: whole builds with several seeds, measured on the shipped files.

    python benchmarks/movielens_1m.py --data ../shared/data/ml-1m --seeds 0 1 2

Every build is `hanji build examples/movielens-1m.toml` with another seed; its numbers are those of its
report, which come from the exported files through the runtime. A build that is there already (same
recipe, same seed) is taken up where it stopped, so the script can be killed and started again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from common import save, spread, verdict

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "examples" / "movielens-1m.toml"
HANJI = Path(sys.executable).with_name("hanji")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-movielens-1m")
    args = parser.parse_args()
    reports = [build(args.data, args.out / f"seed-{seed}", seed) for seed in args.seeds]
    rows = {name: [row(report, name) for report in reports] for name in ("full", "litert", "onnxruntime")}
    summary = {name: summarize(found) for name, found in rows.items()}
    seconds = {
        stage: spread([report["seconds"][stage] for report in reports]) for stage in reports[0]["seconds"]
    }
    steps = reports[0]["steps"]
    save(
        "movielens-1m",
        {"seeds": args.seeds, "summary": summary, "seconds": seconds, "recipe": steps, "rows": rows},
    )
    print_table(summary)
    print_verdicts(rows, reports)


def build(data: Path, out: Path, seed: int) -> dict:
    """The report of one build; an older one of the same recipe is taken as it is."""
    command = [HANJI, "build", RECIPE, "--data", data, "--out", out, "--seed", str(seed)]
    done = out / "done.txt"
    if not done.exists() or done.read_text() != RECIPE.read_text():
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        done.write_text(RECIPE.read_text())
    return json.loads((out / "report.json").read_text())


def row(report: dict, name: str) -> dict:
    """The full model's row, or the compressed one's in an engine."""
    if name == "full":
        return next(row for row in report["rows"] if row["model"] == "full")
    rows = [row for row in report["rows"] if row["model"] == "compressed"]
    return next(row for row in rows if row["engine"].startswith(name))


def summarize(rows: list[dict]) -> dict:
    """Spread of each metric, size and latency."""
    metrics = {name: spread([row["metrics"][name] for row in rows]) for name in rows[0]["metrics"]}
    plain = ("bytes", "gzip_bytes", "recommend_p50_ms", "engine_p50_ms")
    return metrics | {name: spread([row[name] for row in rows]) for name in plain}


def print_table(summary: dict) -> None:
    """A table for people."""
    for name, found in summary.items():
        shown = [
            f"{metric} {found[metric]['mean']:.4f} ± {found[metric]['sd']:.4f}"
            for metric in found
            if "_at_" in metric
        ]
        print(f"{name:<12} {'  '.join(shown)}  {found['bytes']['mean']:,.0f} bytes")


def print_verdicts(rows: dict, reports: list[dict]) -> None:
    """Whether the targets were reached, on the means over the seeds."""

    def mean(name: str, metric: str) -> float:
        return spread([row["metrics"][metric] for row in rows[name]])["mean"]

    print(verdict("teacher HR@10", mean("full", "hr_at_10"), 0.705, at_most=False))
    print(verdict("teacher NDCG@10", mean("full", "ndcg_at_10"), 0.426, at_most=False))
    for metric in ("hr_at_10", "ndcg_at_10"):
        for engine in ("litert", "onnxruntime"):
            kept = mean(engine, metric) / mean("full", metric)
            print(verdict(f"{metric} of int8 in {engine} / teacher", kept, 0.99, at_most=False))
    smaller = min(
        full["bytes"] / small["bytes"] for full, small in zip(rows["full"], rows["litert"], strict=True)
    )
    print(verdict("teacher float32 TFLite bytes / int8 TFLite bytes, smallest", smaller, 8.0, at_most=False))
    slowest = max(report["seconds"]["train"] for report in reports)
    print(verdict("training of the teacher, slowest, seconds", slowest, 1200, at_most=True))


if __name__ == "__main__":
    main()
