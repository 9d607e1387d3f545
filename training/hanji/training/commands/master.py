"""The option `--master` of the commands that can use Spark."""

from __future__ import annotations

import argparse


def add_master_option(parser: argparse.ArgumentParser) -> None:
    """Declare --master."""
    parser.add_argument(
        "--master",
        metavar="URL",
        help="Spark's master, such as spark://host:7077; default: that of Spark's own configuration, or "
        "local[*], all cores of this machine",
    )


def expect_no_master(args: argparse.Namespace, option: str) -> None:
    """RecipeError if --master is given without the ``option`` that uses Spark."""
    from hanji.training.errors import RecipeError

    if args.master is not None:
        raise RecipeError(f"--master is for {option}; add that, or leave it out")
