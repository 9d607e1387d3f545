"""Fashion-MNIST: teacher, the int8 student of at most 100 KB and the smallest of at most 32 KB, three seeds.

    python benchmarks/fashion_mnist.py --data fashion-mnist [--only fashion-mnist]

Every build is `hanji build` of examples/fashion-mnist.toml or -smallest.toml with another seed; both have the
same teacher, which is trained once a seed. All numbers are those of the exported files, through the runtime.
Hyperparameters were chosen on the pictures that the seed holds out of the training set. It can be killed and
started again: what is done stays done.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from builds import ENGINES, ROOT, build, rows_by_name, seconds_by_stage
from common import parser, save, spread, verdict

STUDENT = ROOT / "examples" / "fashion-mnist.toml"
SMALLEST = ROOT / "examples" / "fashion-mnist-smallest.toml"
BOUNDS = {STUDENT: (0.940, 100_000), SMALLEST: (0.925, 32_000)}
TEACHER_TOP1 = 0.945
LARGEST_LOSS = 0.005
"""Between teacher and int8 student."""
LARGEST_QAT_LOSS = 0.003
"""Between the student in float32 and in int8."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="where the four IDX files are")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-fashion-mnist")
    options.add_argument("--only", choices=[recipe.stem for recipe in BOUNDS], help="leave the other one out")
    args = options.parse_args()
    result: dict[str, object] = {"seeds": args.seeds}
    for recipe in (one for one in BOUNDS if args.only in (None, one.stem)):
        reports = [_build(recipe, args.data, args.out, seed) for seed in args.seeds]
        result[recipe.stem] = found = _summary(reports)
        print(f"\n{recipe.stem}")
        _print(found["summary"], recipe)
    save("fashion-mnist", result)


def _build(recipe: Path, data: Path, out: Path, seed: int) -> dict:
    place, first = out / f"{recipe.stem}-seed-{seed}", out / f"{STUDENT.stem}-seed-{seed}"
    for kept in (Path("work", "trained"), Path("work", "checkpoints", "teacher")):
        if recipe is SMALLEST and (first / kept).exists() and not (place / kept).exists():
            shutil.copytree(first / kept, place / kept)
    return build(recipe, data, place, seed)


def _summary(reports: list[dict]) -> dict:
    rows = rows_by_name(reports)
    plain = ("bytes", "gzip_bytes", "classify_p50_ms", "engine_p50_ms")
    summary = {
        name: {metric: spread([row["metrics"][metric] for row in found]) for metric in found[0]["metrics"]}
        | {key: spread([row[key] for row in found]) for key in plain}
        for name, found in rows.items()
    }
    students = [report["step_metrics"][0]["top1"] for report in reports]  # behind distil, before quantize
    summary["student before int8"] = {"top1": spread(students)}
    return {
        "summary": summary,
        "seconds": seconds_by_stage(reports),
        "recipe": reports[0]["steps"],
        "rows": rows,
    }


def _print(summary: dict, recipe: Path) -> None:
    for name, found in summary.items():
        size = f"{found['bytes']['mean']:,.0f} bytes" if "bytes" in found else ""
        print(f"{name:<20} top-1 {found['top1']['mean']:.4f} ± {found['top1']['sd']:.4f}  {size}")
    least, size = BOUNDS[recipe]
    full, before = summary["full"]["top1"]["mean"], summary["student before int8"]["top1"]["mean"]
    print(verdict("teacher top-1", full, TEACHER_TOP1, at_most=False))
    for engine in ENGINES:
        found = summary[engine]
        print(verdict(f"{engine} top-1", found["top1"]["mean"], least, at_most=False))
        if engine == "litert":
            print(verdict("litert bytes", found["bytes"]["max"], size, at_most=True))
            print(
                verdict(
                    "float student − int8", before - found["top1"]["mean"], LARGEST_QAT_LOSS, at_most=True
                )
            )
            if recipe is STUDENT:
                print(verdict("teacher − int8", full - found["top1"]["mean"], LARGEST_LOSS, at_most=True))


if __name__ == "__main__":
    main()
