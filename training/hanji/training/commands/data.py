"""`hanji data`: fetch a public data set, or check the files one has."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "fetch ratings or check the quality of your own"
EXAMPLE = "hanji data check ratings/ --format movielens-1m"

FORMATS = ("auto", "ncf", "movielens-1m", "movielens-100k", "movielens-csv")
"""Those that need no columns named; written here, not taken from `config.Format`, to keep `--help` light."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `fetch` and `check`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download a public data set, check it and unpack it")
    fetch.add_argument("name", choices=("movielens-1m", "movielens-100k"), help="which one")
    fetch.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    fetch.add_argument("--accept-licence", action="store_true", help="accept the licence without being asked")
    check = actions.add_parser("check", help="read ratings as training would and report what is in them")
    check.add_argument("directory", type=Path, metavar="DIR", help="where the files are")
    how = check.add_mutually_exclusive_group()
    how.add_argument(
        "--format", choices=FORMATS, default="auto", help="default: auto, by the names of the files"
    )
    how.add_argument(
        "--recipe", type=Path, metavar="FILE", help="a recipe whose [data] table says how to read them"
    )
    check.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; 0 when done. Errors are HanjiErrors."""
    if args.action == "fetch":
        return _fetch(args)
    return _check(args)


def _fetch(args: argparse.Namespace) -> int:
    from hanji.training.data.fetch import ARCHIVES, fetch
    from hanji.training.errors import DataError

    archive = ARCHIVES[args.name]
    print(archive.licence, file=sys.stderr)
    if not args.accept_licence and not _accepted():
        raise DataError(
            f"{args.name}: the licence was not accepted, nothing was downloaded; see --accept-licence"
        )
    fetch(archive, args.out)
    print(f"{args.name} is in {args.out}; look at it with: hanji data check {args.out}")
    return 0


def _accepted() -> bool:
    if not sys.stdin.isatty():
        return False
    print("Do you accept this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _check(args: argparse.Namespace) -> int:
    from hanji.training.data import DataConfig, load_dataset
    from hanji.training.data.overview import overview_lines, overview_table
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.settings import settings_from

    if args.recipe is None:
        config = DataConfig(name=f"data in {args.directory}", format=args.format)
    else:
        table = read_recipe_file(args.recipe).data
        config = settings_from(DataConfig, table, f"{args.recipe}: data")
    dataset = load_dataset(config, args.directory)
    if args.json:
        print(json.dumps(overview_table(dataset), sort_keys=True, indent=1, ensure_ascii=False))
    else:
        print("\n".join(overview_lines(dataset)))
    return 0
