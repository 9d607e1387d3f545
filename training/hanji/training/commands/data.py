"""`hanji data`: fetch a public data set, check your own ratings or images, or prepare ratings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.runtime.terminal import print_json, print_lines
from hanji.training.commands.master import add_master_option, expect_no_master
from hanji.training.commands.memory import add_memory_option, memory_limit_of

if TYPE_CHECKING:
    from hanji.training.spark import Spark
    from hanji.training.task import Overview

HELP = "fetch ratings, check the quality of your own ratings or images, or prepare ratings"
EXAMPLE = "hanji data check images/"

FORMATS = (
    *("auto", "ncf", "movielens-1m", "movielens-100k", "movielens-csv"),
    *("pairs", "sequences", "lightgcn", "netflix", "prepared"),
)
"""Formats that need no column names; repeated here rather than imported, to keep `--help` fast."""

IMAGE_FORMATS = ("folder", "idx", "npz")
"""A folder with one sub-folder per class, the files of the MNIST family, NumPy arrays."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `fetch`, `check` and `prepare`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download a public data set, check it and unpack it")
    fetch.add_argument("name", choices=("movielens-1m", "movielens-100k"), help="name of the data set")
    fetch.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    fetch.add_argument("--accept-licence", action="store_true", help="accept the licence without a prompt")
    check = actions.add_parser(
        "check", help="read ratings or images as training would, and report statistics and problems"
    )
    _add_source(check, (*FORMATS, *IMAGE_FORMATS))
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page")
    prepare = actions.add_parser(
        "prepare",
        help="read, clean and split ratings once, so that training starts from them in a second",
        epilog="Example: hanji data prepare ratings/ --out prepared --engine spark --master spark://host:7077",
    )
    _add_source(prepare, FORMATS)
    prepare.add_argument("--out", type=Path, required=True, metavar="OUT", help="a new or empty directory")
    prepare.add_argument("--replace", action="store_true", help="replace an existing directory")
    prepare.add_argument(
        "--engine",
        choices=("duckdb", "spark"),
        default="duckdb",
        help="what reads the files; both write the same bytes (default: duckdb, on this machine)",
    )
    add_master_option(prepare)
    add_memory_option(prepare)


def _add_source(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="directory with the files")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--format", choices=formats, default="auto", help="default: auto, by file names")
    how.add_argument(
        "--recipe", type=Path, metavar="FILE", help="a recipe whose [data] table specifies how to read them"
    )


def run(args: argparse.Namespace) -> int:
    """Run the selected action and return 0; errors are HanjiErrors."""
    from hanji.training.progress import show_progress

    show_progress()
    return {"fetch": _fetch, "check": _check, "prepare": _prepare}[args.action](args)


def _fetch(args: argparse.Namespace) -> int:
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import writing_to
    from hanji.training.errors import DataError
    from hanji.training.recommenders.data.fetch import ARCHIVES, fetch

    archive = ARCHIVES[args.name]
    print_lines(*archive.licence.split("\n"), to_stderr=True)
    if not args.accept_licence and not _accepted():
        raise DataError(
            f"{args.name}: the licence was not accepted, nothing was downloaded; see --accept-licence"
        )
    with writing_to(args.out, ANEW):
        fetch(archive, args.out)
    print_lines(f"{args.name} is in {args.out}; inspect it with: hanji data check {args.out}")
    return 0


def _prepare(args: argparse.Namespace) -> int:
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import writing_to
    from hanji.training.recommenders.data import DataConfig, load_dataset
    from hanji.training.recommenders.data.prepared import write_prepared
    from hanji.training.task import task_named

    if args.recipe is not None:
        from hanji.training.recipe_file import read_recipe_file

        config = read_recipe_file(args.recipe).settings("data", DataConfig)
    else:
        config = DataConfig(name=args.directory.resolve().name, format=args.format)
    with writing_to(args.out, ANEW), memory_limit_of(args, DataConfig.task), _engine(args) as spark:
        dataset = load_dataset(config, args.directory, spark)
        write_prepared(dataset, args.out, replace=args.replace)
    ready = f'{args.out} is ready: with data.format = "auto" or "prepared", train with --data {args.out}'
    print_lines(*task_named(dataset.task).summary(dataset), ready)
    return 0


@contextmanager
def _engine(args: argparse.Namespace) -> Iterator[Spark | None]:
    """The session of ``--engine spark``, which shares the directory of the output with its workers."""
    if args.engine != "spark":
        expect_no_master(args, "--engine spark")
        yield None
        return
    from hanji.training.files import new_parent
    from hanji.training.spark import open_spark

    with open_spark(args.master, new_parent(args.out, replace=args.replace)) as spark:
        yield spark


def _accepted() -> bool:
    if not sys.stdin.isatty():
        return False
    print_lines("Do you accept this licence? [y/N]", to_stderr=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _check(args: argparse.Namespace) -> int:
    overview = _by_recipe(args) if args.recipe is not None else _by_format(args)
    if args.html is not None:
        _write_page(overview, args.html)
    if args.json:
        print_json(dict(sorted(overview.table.items())), 1)
    else:
        print_lines(*overview.lines)
    return 0


def _write_page(overview: Overview, path: Path) -> None:
    from hanji.training.errors import DataError
    from hanji.training.files import write_text_atomic

    if overview.page is None:
        raise DataError("--html: there is a page for interactions only, not for images; leave it out")
    write_text_atomic(path, overview.page)


def _by_recipe(args: argparse.Namespace) -> Overview:
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.settings import settings_from
    from hanji.training.task import task_named

    recipe = read_recipe_file(args.recipe)
    task = task_named(recipe.task)
    config = settings_from(task.data_config, recipe.data, f"{args.recipe}: data")
    return task.overview(task.load(config, args.directory, seed=recipe.seed), seed=recipe.seed)


def _by_format(args: argparse.Namespace) -> Overview:
    """The overview of the first task that recognizes the files."""
    from hanji.training.errors import DataError
    from hanji.training.files import directory_listing
    from hanji.training.task import PACKAGES, task_named

    tasks = [task_named(name) for name in PACKAGES]
    for task in tasks:
        overview = task.survey(args.directory, args.format)
        if overview is not None:
            return overview
    raise DataError(
        f"{args.directory}: expected files of a known format, found none: "
        f"{directory_listing(args.directory)}. Recognized are "
        f"{'; '.join(task.recognized_by for task in tasks)}. For any other CSV or TSV, specify its columns "
        "in a recipe: --recipe"
    )
