"""The option `--memory` of the commands that train or evaluate."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager


def add_memory_option(parser: argparse.ArgumentParser) -> None:
    """Declare --memory."""
    parser.add_argument(
        "--memory",
        type=_size,
        metavar="SIZE",
        help="memory that recommenders may use, such as 8GB; default: HANJI_MEMORY or what is free",
    )


@contextmanager
def memory_limit_of(args: argparse.Namespace, task: str) -> Iterator[None]:
    """The limit of ``--memory`` for a block; RecipeError for a task that has none.

    Memory that runs out all the same is a DataError that states what to try.
    """
    from hanji.training.errors import DataError, RecipeError
    from hanji.training.memory import memory_limit

    if args.memory is not None and task != "recommendation":
        raise RecipeError(f"--memory is for recommenders; leave it out for a recipe with task = {task!r}")
    try:
        with memory_limit(args.memory):
            yield
    except MemoryError as error:
        raise DataError(
            f"out of memory: {error}; use a smaller model or batch_size, less data, or a machine with more "
            "memory"
        ) from None


def _size(text: str) -> int:
    from hanji.training.sizes import bytes_of

    try:
        return bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
