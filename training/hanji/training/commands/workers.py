"""The option `--workers` of the commands that train."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingJob:
    """What `hanji train` is to do: its arguments, as it takes them."""

    recipe: Path
    data: Path | None
    out: Path
    checkpoints: Path
    seed: int | None

    def command(self, memory: int) -> Sequence[str]:
        """The command of one worker, which may use ``memory`` bytes."""
        options = {
            "--data": self.data,
            "--out": self.out,
            "--checkpoints": self.checkpoints,
            "--seed": self.seed,
            "--memory": memory,
        }
        given = [(name, str(value)) for name, value in options.items() if value is not None]
        return ["train", str(self.recipe), *(word for pair in given for word in pair)]


def add_workers_option(parser: argparse.ArgumentParser) -> None:
    """Declare --workers."""
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="train a recommender with N processes on this machine; default: 1",
    )


def check_workers(args: argparse.Namespace, task: str, training: Any) -> None:
    """RecipeError for ``--workers`` that this task, batch size or environment does not allow.

    ``training`` is the config of the recipe's table.
    """
    from hanji.training.cluster.environment import VARIABLE, cluster_of_environment
    from hanji.training.errors import RecipeError

    if args.workers == 1:
        return
    if task != "recommendation":
        raise RecipeError(f"--workers is for recommenders; leave it out for a recipe with task = {task!r}")
    if args.workers > training.batch_size:
        raise RecipeError(
            f"--workers: expected at most training.batch_size ({training.batch_size}), because each worker "
            f"computes a part of every batch, found {args.workers}; use fewer workers or a larger batch_size"
        )
    if cluster_of_environment():
        raise RecipeError(
            f"--workers: this process is one of the workers in the environment variable {VARIABLE}; leave "
            "the option out, or unset the variable to start workers on this machine"
        )


def expect_no_cluster() -> None:
    """RecipeError if this process is a worker of a cluster, for commands that run in one process."""
    from hanji.training.cluster.environment import VARIABLE, cluster_of_environment
    from hanji.training.errors import RecipeError

    if cluster_of_environment():
        raise RecipeError(
            f"this command runs in one process, but the environment variable {VARIABLE} describes a "
            "cluster; train with `hanji train --out OUT/work/trained` on its workers, then run `hanji "
            "build` once without the variable"
        )


def train_with_workers(job: TrainingJob, count: int, *, results: bool = True) -> int:
    """Run a job with ``count`` workers, which share the memory that may be used; the chief's exit code.

    ``results``: whether the chief prints the metrics.
    """
    from hanji.training.cluster.launcher import run_workers
    from hanji.training.memory import available_memory

    return run_workers(job.command(max(available_memory() // count, 1)), count, results=results)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of processes, at least 1, found {text!r}")
    return int(text)


__all__ = ["TrainingJob", "add_workers_option", "check_workers", "expect_no_cluster", "train_with_workers"]
