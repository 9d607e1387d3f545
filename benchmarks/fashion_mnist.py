"""Fashion-MNIST: teacher, int8 student of at most 100 KB and smallest student of at most 32 KB, three seeds.

    python benchmarks/fashion_mnist.py --data fashion-mnist [--only fashion-mnist]

Every build is `hanji build` of examples/fashion-mnist.toml or -smallest.toml with another seed; both have the
same teacher, which is trained once per seed. All results are measured on the exported files, through the
runtime. Hyperparameters were chosen on validation images held out of the training set. The script can be
killed and restarted; finished builds are reused.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from builds import ENGINES, ROOT, build, rows_by_name, seconds_by_stage
from common import parser, save, spread, target_line

STUDENT = ROOT / "examples" / "fashion-mnist.toml"
SMALLEST = ROOT / "examples" / "fashion-mnist-smallest.toml"
BOUNDS = {STUDENT: (0.940, 100_000), SMALLEST: (0.925, 32_000)}
TEACHER_TOP1 = 0.945
MAX_LOSS = 0.005
"""Between teacher and int8 student."""
MAX_QAT_LOSS = 0.003
"""Between the student in float32 and in int8."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="directory of the four IDX files")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-fashion-mnist")
    options.add_argument("--only", choices=[recipe.stem for recipe in BOUNDS], help="only this recipe")
    args = options.parse_args()
    result: dict[str, object] = {"seeds": args.seeds}
    for recipe in (recipe for recipe in BOUNDS if args.only in (None, recipe.stem)):
        reports = [_build(recipe, args.data, args.out, seed) for seed in args.seeds]
        result[recipe.stem] = results = _summary(reports)
        print(f"\n{recipe.stem}")
        _print(results["summary"], recipe)
    save("fashion-mnist", result)


def _build(recipe: Path, data: Path, out: Path, seed: int) -> dict:
    directory, other = out / f"{recipe.stem}-seed-{seed}", out / f"{STUDENT.stem}-seed-{seed}"
    for shared in (Path("work", "trained"), Path("work", "checkpoints", "teacher")):
        if recipe is SMALLEST and (other / shared).exists() and not (directory / shared).exists():
            shutil.copytree(other / shared, directory / shared)
    return build(recipe, data, directory, seed)


def _summary(reports: list[dict]) -> dict:
    rows = rows_by_name(reports)
    plain = ("bytes", "gzip_bytes", "classify_p50_ms", "engine_p50_ms")
    summary = {
        name: {metric: spread([row["metrics"][metric] for row in own]) for metric in own[0]["metrics"]}
        | {key: spread([row[key] for row in own]) for key in plain}
        for name, own in rows.items()
    }
    students = [report["step_metrics"][0]["top1"] for report in reports]  # after distil, before quantize
    summary["student before int8"] = {"top1": spread(students)}
    return {
        "summary": summary,
        "seconds": seconds_by_stage(reports),
        "recipe": reports[0]["steps"],
        "rows": rows,
    }


def _print(summary: dict, recipe: Path) -> None:
    for name, values in summary.items():
        size = f"{values['bytes']['mean']:,.0f} bytes" if "bytes" in values else ""
        print(f"{name:<20} top-1 {values['top1']['mean']:.4f} ± {values['top1']['sd']:.4f}  {size}")
    min_top1, max_bytes = BOUNDS[recipe]
    full, before = summary["full"]["top1"]["mean"], summary["student before int8"]["top1"]["mean"]
    print(target_line("teacher top-1", full, TEACHER_TOP1, at_most=False))
    for engine in ENGINES:
        values = summary[engine]
        top1 = values["top1"]["mean"]
        print(target_line(f"{engine} top-1", top1, min_top1, at_most=False))
        if engine == "litert":
            print(target_line("litert bytes", values["bytes"]["max"], max_bytes, at_most=True))
            print(target_line("float student − int8", before - top1, MAX_QAT_LOSS, at_most=True))
            if recipe is STUDENT:
                print(target_line("teacher − int8", full - top1, MAX_LOSS, at_most=True))


if __name__ == "__main__":
    main()
