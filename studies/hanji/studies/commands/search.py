"""`hanji search`: the best recipe that keeps a budget."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

HELP = "find the best recipe within a budget of bytes, milliseconds and lost quality"
EXAMPLE = "hanji search examples/digits.toml --max-size 12KB --max-drop 0.02 --out out/search-digits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is searched, the budget, when it ends, and where everything goes."""
    parser.add_argument("file", type=Path, metavar="RECIPE_OR_STUDY", help="a recipe or study file (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data, where it is not embedded")
    parser.add_argument(
        "--max-size", type=_size, metavar="SIZE", help="of the device file: 100KB, 64KiB, 80000"
    )
    parser.add_argument("--max-latency-ms", type=_positive, metavar="MS", help="median of a call, one thread")
    parser.add_argument(
        "--max-drop", type=_number, metavar="X", help="of the metric, under the full model's: 0.01"
    )
    parser.add_argument(
        "--trials",
        type=_count,
        metavar="N",
        help="trainings; default: a twentieth of the space, 4 at least",
    )
    parser.add_argument("--max-minutes", type=_positive, metavar="M", help="start no training after so many")
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="S",
        help="of the search; trainings keep the file's (default: 0)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: out/search-NAME")
    parser.add_argument("--json", action="store_true", help="print search.json")


def run(args: argparse.Namespace) -> int:
    """Search and write down; 0 when a recipe keeps the budget, 1 with what stands in the way if none does."""
    from hanji.runtime.errors import HanjiError
    from hanji.studies.budget import Budget
    from hanji.training.interruption import resumable
    from hanji.training.progress import show_progress

    show_progress()

    bounds = (args.max_size, args.max_latency_ms, args.max_drop)
    if all(bound is None for bound in bounds):
        raise HanjiError("expected one of --max-size, --max-latency-ms and --max-drop, found none")
    from hanji.studies.search.run import find_recipe
    from hanji.studies.search.search import Limits, trials_for
    from hanji.studies.search.space import read_space

    space = read_space(args.file)
    out = args.out or Path("out") / f"search-{space.name}"
    with resumable():
        outcome = find_recipe(
            space,
            Budget("budget", *bounds),
            data=args.data,
            out=out,
            limits=Limits(args.trials or trials_for(space), args.max_minutes),
            seed=args.seed,
            command=_command(args),
        )
    if args.json:
        print(json.dumps(outcome.table(), ensure_ascii=False))
    else:
        print("\n".join(outcome.lines()))
    if outcome.searched.winner is None:
        sys.stderr.write(f"hanji: error: no recipe keeps the budget: {outcome.binds}\n")
        return 1
    if not args.json:
        print(
            f"Recipe: {out / 'recipe.toml'}   bundle: {out / 'bundle'}   all numbers: {out / 'search.json'}"
        )
    return 0


def _command(args: argparse.Namespace) -> str:
    """What repeats the search on any machine: where data and results lie is that machine's."""
    named = {
        "--max-size": args.max_size,
        "--max-latency-ms": args.max_latency_ms,
        "--max-drop": args.max_drop,
        "--trials": args.trials,
        "--max-minutes": args.max_minutes,
        "--seed": args.seed or None,
        "--data": args.data and "DIR",
    }
    options = [part for name, value in named.items() if value is not None for part in (name, f"{value}")]
    return shlex.join(["hanji", "search", args.file.name, *options])


def _size(text: str) -> int:
    from hanji.studies.search.sizes import bytes_of

    try:
        return bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0.0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, found {text!r}")
    return number


def _positive(text: str) -> float:
    number = _number(text)
    if not number:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, found {text!r}")
    return int(text)


def _count(text: str) -> int:
    number = _seed(text)
    if not number:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, found {text!r}")
    return number
