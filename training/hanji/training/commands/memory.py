"""The option `--memory` of the commands that train or evaluate."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager


def add_memory_option(parser: argparse.ArgumentParser) -> None:
    """Declare --memory."""
    parser.add_argument(
        "--memory",
        type=_size,
        metavar="SIZE",
        help="memory that recommenders may use, such as 8GB; default: HANJI_MEMORY or what is free",
    )


def memory_limit_of(args: argparse.Namespace, task: str) -> AbstractContextManager[None]:
    """The limit of ``--memory`` for a block; RecipeError for a task that has none."""
    from hanji.training.errors import RecipeError
    from hanji.training.memory import memory_limit

    if args.memory is not None and task != "recommendation":
        raise RecipeError(f"--memory is for recommenders; leave it out for a recipe with task = {task!r}")
    return memory_limit(args.memory)


def _size(text: str) -> int:
    from hanji.training.sizes import bytes_of

    try:
        return bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
