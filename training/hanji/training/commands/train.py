"""`hanji train`: train a model from a recipe and data."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.runtime.terminal import print_lines
from hanji.training.commands.memory import add_memory_option, memory_limit_of
from hanji.training.commands.workers import TrainingJob, add_workers_option, check_workers, train_with_workers

HELP = "train the full model of a recipe"
EXAMPLE = "hanji train examples/movielens-1m.toml --data ml-1m --out out/trained --workers 2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, the data and the output directory."""
    parser.add_argument("recipe", type=Path, metavar="CONFIG", help="a recipe file (TOML)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="data directory; not needed for the synthetic catalogue and digits",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="output directory of the trained model"
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        help="where the state after each epoch is kept, to resume from; default: OUT.checkpoints",
    )
    parser.add_argument("--seed", type=int, help="override the recipe's seed")
    add_workers_option(parser)
    add_memory_option(parser)


def run(args: argparse.Namespace) -> int:
    """Train and save, as one process, as a worker of a cluster, or by starting workers; return 0."""
    from hanji.training.cluster.environment import cluster_of_environment
    from hanji.training.cluster.launcher import end_with_launcher
    from hanji.training.commands.writing import disturbable, writing_to
    from hanji.training.progress import logger, show_progress
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.task import task_named

    end_with_launcher()
    cluster = cluster_of_environment()
    is_chief = cluster is None or cluster.is_chief
    if is_chief:
        show_progress()
    file = read_recipe_file(args.recipe, seed=args.seed)
    task = task_named(file.task)
    config = file.settings("data", task.data_config)
    model = file.settings("model", task.model_config)
    training = file.settings("training", task.training_config)
    check_workers(args, file.task, training)
    checkpoints = args.checkpoints or args.out.with_name(f"{args.out.name}.checkpoints")
    if args.workers > 1:
        return _start_workers(args, file.task, checkpoints)
    with writing_to(args.out) if is_chief else disturbable(), memory_limit_of(args, file.task):
        dataset = task.load(config, args.data, seed=file.seed)
        for line in task.summary(dataset):
            logger.info(line)

        # TensorFlow takes seconds to import, so errors in the recipe or data are reported first.
        from hanji.training.quiet import import_tensorflow

        import_tensorflow()
        trained = task.train(dataset, model, training, seed=file.seed, work=checkpoints)
        if not is_chief:
            return 0
        task.save_trained(trained, args.out)
    print_lines(*task.metric_lines(trained), f"The trained model is in {args.out}")
    return 0


def _start_workers(args: argparse.Namespace, task: str, checkpoints: Path) -> int:
    from hanji.training.commands.writing import disturbable

    job = TrainingJob(args.recipe, args.data, args.out, checkpoints, args.seed)
    with disturbable(), memory_limit_of(args, task):  # the chief locks the output
        code = train_with_workers(job, args.workers)
        if code:
            raise SystemExit(code)  # the chief has written why
    return 0
