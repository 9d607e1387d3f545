"""`hanji search`: find the best recipe within a budget."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from hanji.runtime.terminal import print_json, print_lines

HELP = "find the best recipe within a budget of size, latency and metric drop"
EXAMPLE = "hanji search examples/digits.toml --max-size 12KB --max-drop 0.02 --out out/search-digits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the search space, the budget, the limits of the search and the output directory."""
    parser.add_argument("file", type=Path, metavar="RECIPE_OR_STUDY", help="a recipe or study file (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data, unless it is built in")
    parser.add_argument(
        "--max-size", type=_size, metavar="SIZE", help="size of the device file, such as 100KB, 64KiB, 80000"
    )
    parser.add_argument("--max-latency-ms", type=_positive, metavar="MS", help="median latency, one thread")
    parser.add_argument(
        "--max-drop",
        type=_number,
        metavar="X",
        help="drop of the metric below the full model's, such as 0.01",
    )
    parser.add_argument(
        "--trials",
        type=_count,
        metavar="N",
        help="recipes to train; default: a twentieth of the space, at least 4",
    )
    parser.add_argument(
        "--max-minutes", type=_positive, metavar="M", help="start no training after this many minutes"
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="S",
        help="seed of the search, not of the trainings (default: 0)",
    )
    parser.add_argument(
        "--protocol",
        metavar="PROTOCOL",
        help="recommenders only: choose by the metric under this evaluation protocol, sampled or full",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="output directory; default: out/search-NAME")
    parser.add_argument("--json", action="store_true", help="print search.json")


def run(args: argparse.Namespace) -> int:
    """Search and write the results; 1 with the violated limits if no recipe is within the budget."""
    from hanji.runtime.errors import HanjiError
    from hanji.studies.budget import Budget
    from hanji.training.commands.writing import disturbable
    from hanji.training.progress import show_progress

    show_progress()

    bounds = (args.max_size, args.max_latency_ms, args.max_drop)
    if all(bound is None for bound in bounds):
        raise HanjiError("expected one of --max-size, --max-latency-ms and --max-drop, found none")
    from hanji.studies.search.run import find_recipe
    from hanji.studies.search.search import Limits, trials_for
    from hanji.studies.search.space import read_space, with_protocol

    space = read_space(args.file)
    if args.protocol is not None:
        space = with_protocol(space, args.protocol)
    out = args.out or Path("out") / f"search-{space.name}"
    with disturbable():
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
        print_json(outcome.table(), None)
    else:
        print_lines(*outcome.lines())
    if outcome.result.winner is None:
        print_lines(f"hanji: error: no recipe is within the budget: {outcome.violations}", to_stderr=True)
        return 1
    if not args.json:
        print_lines(
            f"Recipe: {out / 'recipe.toml'}   bundle: {out / 'bundle'}   all numbers: {out / 'search.json'}"
        )
    return 0


def _command(args: argparse.Namespace) -> str:
    """The command that reproduces the search, without paths of this machine."""
    named = {
        "--max-size": args.max_size,
        "--max-latency-ms": args.max_latency_ms,
        "--max-drop": args.max_drop,
        "--trials": args.trials,
        "--max-minutes": args.max_minutes,
        "--seed": args.seed or None,
        "--protocol": args.protocol,
        "--data": args.data and "DIR",
    }
    options = [part for name, value in named.items() if value is not None for part in (name, f"{value}")]
    return shlex.join(["hanji", "search", args.file.name, *options])


def _size(text: str) -> int:
    from hanji.training.sizes import bytes_of

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
        raise argparse.ArgumentTypeError(f"expected an integer of 0 or more, found {text!r}")
    return int(text)


def _count(text: str) -> int:
    number = _seed(text)
    if not number:
        raise argparse.ArgumentTypeError(f"expected an integer of 1 or more, found {text!r}")
    return number
