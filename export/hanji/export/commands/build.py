"""`hanji build`: runs every stage from data to bundle and writes a report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.runtime.terminal import print_json, print_lines
from hanji.training.commands.memory import add_memory_option, memory_limit_of
from hanji.training.commands.workers import (
    TrainingJob,
    add_workers_option,
    check_workers,
    expect_no_cluster,
    train_with_workers,
)

if TYPE_CHECKING:
    from hanji.export.pipeline import Plan

HELP = "train, compress and export as a recipe specifies, and report metrics, size and latency"
EXAMPLE = "hanji build examples/movielens-1m.toml --data ml-1m --out out/movielens-1m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, the data and the output directory."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe file (TOML)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data directory; not needed for the synthetic catalogue and digits",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the output directory; default: out/NAME, where NAME is the recipe's name",
    )
    parser.add_argument("--seed", type=int, help="overrides the recipe's seed")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_workers_option(parser)
    add_memory_option(parser)


def run(args: argparse.Namespace) -> int:
    """Build and print the comparison; return 0."""
    from hanji.export.pipeline import plan_of, run_plan
    from hanji.training.commands.writing import disturbable
    from hanji.training.progress import show_progress
    from hanji.training.recipe_file import read_recipe_file

    show_progress()
    plan = plan_of(read_recipe_file(args.recipe, seed=args.seed))
    out = args.out or Path("out") / plan.file.name
    train = _trained_by_workers(args, plan)
    with disturbable(), memory_limit_of(args, plan.file.task):
        report = run_plan(plan, data=args.data, out=out, train=train)
    if args.json:
        print_json(asdict(report), None)
        return 0
    print_lines(report.title)
    _print_table([list(report.headings), *report.cells])
    print_lines(*report.all_notes, f"Bundle: {out / 'bundle'}   report: {out / 'report.md'}")
    return 0


def _trained_by_workers(args: argparse.Namespace, plan: Plan) -> Callable[[Path], None] | None:
    """How ``run_plan`` is to train with ``--workers``; None without."""
    check_workers(args, plan.file.task, plan.training)
    if args.workers == 1:
        expect_no_cluster()
        return None

    def train(work: Path) -> None:
        job = TrainingJob(args.recipe, args.data, work / "trained", work / "checkpoints", args.seed)
        code = train_with_workers(job, args.workers, results=False)
        if code:
            raise SystemExit(code)  # the chief has written why

    return train


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print_lines("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
