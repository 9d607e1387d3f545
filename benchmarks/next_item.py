"""The next item: recommenders that know order, on three data sets, with several seeds.

    python benchmarks/next_item.py --ncf ../shared/data/ml-1m --sasrec ../shared/data/sasrec

Every build is `hanji build` of a recipe in examples/ with another seed. Results are those of the exported
files, through the runtime (`hanji evaluate`), with each user's training interactions as the history, oldest
first, under three protocols: the data's own negatives, 100 uniformly sampled items, and the whole catalogue.
The recipes' hyperparameters were chosen on each user's last training interaction of the NCF files; those of
SASRec's file and of Beauty are the same.
"""

from __future__ import annotations

import json
import subprocess
from argparse import Namespace
from pathlib import Path

from builds import HANJI, ROOT, build
from common import parser, save, spread, target_line

PROTOCOLS = ("sampled", "uniform", "full")
Bounds = dict[str, tuple[str, float]]

BUILDS: dict[str, tuple[str, str, int, Bounds]] = {
    "device": (
        "movielens-1m-device",
        "",
        234_000,
        {"hr_at_10": ("sampled", 0.825), "ndcg_at_10": ("sampled", 0.620)},
    ),
    "smallest": (
        "movielens-1m-smallest",
        "",
        96_000,
        {"hr_at_10": ("sampled", 0.800), "ndcg_at_10": ("sampled", 0.590)},
    ),
    "order-blind": (
        "movielens-1m-order-blind",
        "",
        234_000,
        {"hr_at_10": ("sampled", 0.730), "ndcg_at_10": ("sampled", 0.4523)},
    ),
    "sasrec": (
        "movielens-1m-device",
        "ml-1m.txt",
        234_000,
        {"hr_at_10": ("full", 0.300), "ndcg_at_10": ("full", 0.172)},
    ),
    "beauty": ("movielens-1m-device", "beauty-5core.txt", 600_000, {}),
}
"""Recipe, file of ``--sasrec`` (or the NCF files), bytes of the TFLite file at most, and least metrics."""

FORMATS = {"ml-1m.txt": "pairs", "beauty-5core.txt": "sequences"}
NCF = 'format = "ncf"'


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--ncf", type=Path, required=True)
    options.add_argument("--sasrec", type=Path, required=True)
    options.add_argument("--builds", nargs="+", choices=BUILDS, default=list(BUILDS))
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-next-item")
    args = options.parse_args()
    result: dict[str, object] = {"seeds": args.seeds}
    for name in args.builds:
        result[name] = summary = summary_of(name, args)
        print_summary(name, summary)
    save("next-item", result)


def summary_of(name: str, args: Namespace) -> dict:
    """Spreads over the seeds: metrics of each protocol, bytes, seconds; and the teacher's metrics."""
    stem, file, _, _ = BUILDS[name]
    args.out.mkdir(parents=True, exist_ok=True)
    recipe = args.out / f"{name}.toml"
    text = (ROOT / "examples" / f"{stem}.toml").read_text()
    recipe.write_text(text.replace(NCF, f'format = "{FORMATS[file]}"\nratings = "{file}"') if file else text)
    data = args.sasrec if file else args.ncf
    outs = [args.out / f"{name}-seed-{seed}" for seed in args.seeds]
    reports = [build(recipe, data, *pair) for pair in zip(outs, args.seeds, strict=True)]
    rows = [evaluated(out / "bundle", data) for out in outs]
    found: dict = {
        protocol: {
            metric: spread([row[protocol][metric] for row in rows]) for metric in ("hr_at_10", "ndcg_at_10")
        }
        for protocol in PROTOCOLS
    }
    teachers = [report["teacher_metrics"] for report in reports if report["teacher_metrics"]]
    if teachers:
        found["teacher"] = {name: spread([row[name] for row in teachers]) for name in teachers[0]}
    found["bytes"] = spread([(out / "bundle" / "model.tflite").stat().st_size for out in outs])
    found["seconds"] = spread([sum(report["seconds"].values()) for report in reports])
    return found


def evaluated(bundle: Path, data: Path) -> dict[str, dict[str, float]]:
    """The metrics of a bundle's TFLite file under each protocol."""
    command: list[str | Path] = [HANJI, "evaluate", bundle, "--data", data, "--json"]
    command += [part for protocol in PROTOCOLS for part in ("--protocol", protocol)]
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    tables: dict[str, dict[str, float]] = json.loads(done.stdout)["protocols"]
    return tables


def print_summary(name: str, summary: dict) -> None:
    """Print the metrics of each protocol, and whether the targets were reached by the means."""
    _, _, most_bytes, bounds = BUILDS[name]
    print(f"\n{name}")
    for protocol in (*PROTOCOLS, "teacher"):
        if protocol in summary:
            values = {key: summary[protocol][key] for key in ("hr_at_10", "ndcg_at_10")}
            print(
                f"{protocol:<9}",
                *(f"{key} {value['mean']:.4f} ± {value['sd']:.4f}" for key, value in values.items()),
            )
    for metric, (protocol, least) in bounds.items():
        mean = summary[protocol][metric]["mean"]
        print(target_line(f"{name}, {protocol}, {metric}", mean, least, at_most=False))
    print(target_line(f"{name}, bytes", summary["bytes"]["max"], most_bytes, at_most=True))
    print(target_line(f"{name}, longest build, seconds", summary["seconds"]["max"], 3600, at_most=True))


if __name__ == "__main__":
    main()
