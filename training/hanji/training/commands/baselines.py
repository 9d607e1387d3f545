"""`hanji baselines`: metrics of simple reference models, to compare neural models with."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.runtime.terminal import print_json, print_lines
from hanji.training.commands.master import add_master_option, expect_no_master
from hanji.training.commands.memory import add_memory_option, memory_limit_of

if TYPE_CHECKING:
    from hanji.training.recommenders.baselines.baselines import Baseline
    from hanji.training.recommenders.baselines.spark_als import FitAls

HELP = "evaluate simple reference models on the data of a recipe"
EXAMPLE = "hanji baselines examples/movielens-1m.toml --data ml-1m --factors 128"


_SAMPLED = {
    "hr_at_10": "HR@10  ",
    "ndcg_at_10": "NDCG@10",
    "precision_at_10": "Prec@10",
    "diversity_at_10": "Div@10 ",
}
_FULL = {"hr_at_10": "HR@10", "ndcg_at_10": "NDCG@10", "mrr": "MRR", "coverage_at_10": "cov@10"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe and the data."""
    parser.add_argument(
        "recipe", type=Path, metavar="RECIPE", help="a recipe file; only its [data] table and seed are used"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data directory; not needed for the synthetic catalogue"
    )
    parser.add_argument(
        "--factors", type=int, default=64, help="factors of the matrix factorization (default: 64)"
    )
    parser.add_argument("--seed", type=int, help="override the recipe's seed")
    parser.add_argument(
        "--spark-als", action="store_true", help="also fit ALS by Spark (pyspark.ml), to compare it with ours"
    )
    parser.add_argument(
        "--sasrec", action="store_true", help="also train SASRec, for data with an order; takes minutes"
    )
    add_master_option(parser)
    add_memory_option(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Fit the models, select settings on validation items, evaluate and print; return 0."""
    from hanji.training.errors import RecipeError
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.recommenders.baselines.baselines import baselines
    from hanji.training.recommenders.data import DataConfig, load_dataset
    from hanji.training.recommenders.protocols import full_protocol

    show_progress()

    if args.factors < 1:
        raise RecipeError(f"--factors: expected at least 1, found {args.factors}")
    file = read_recipe_file(args.recipe, seed=args.seed)
    dataset = load_dataset(file.settings("data", DataConfig), args.data)
    if args.sasrec:
        import_tensorflow()
    with memory_limit_of(args, dataset.task), _spark_als(args) as spark_als:
        results = baselines(
            dataset, factors=args.factors, seed=file.seed, spark_als=spark_als, sasrec=args.sasrec
        )
    results.sort(key=lambda row: row.metrics["ndcg_at_10"])
    if args.json:
        about = {"data": dataset.name, "synthetic": dataset.synthetic, "seed": file.seed}
        print_json(about | {"rows": [asdict(row) for row in results]}, None)
        return 0
    print_lines(
        f"{'synthetic data' if dataset.synthetic else 'data'} {dataset.name!r}; {dataset.test.protocol}",
        f"full: {full_protocol(dataset.catalogue.warm_items, dataset.test.split)}",
    )
    _print_rows(results)
    return 0


@contextmanager
def _spark_als(args: argparse.Namespace) -> Iterator[FitAls | None]:
    if not args.spark_als:
        expect_no_master(args, "--spark-als")
        yield None
        return
    from hanji.training.recommenders.baselines.spark_als import als_fitter

    with als_fitter("spark", args.master) as fit:
        yield fit


def _print_rows(results: list[Baseline]) -> None:
    headings = [*_SAMPLED.values(), *(f"full {heading}" for heading in _FULL.values())]
    print_lines(f"{'model':<16} {' '.join(headings)} {'seconds':<8} settings")
    for row in results:
        values = [*map(row.metrics.get, _SAMPLED), *map(row.full_ranking.get, _FULL)]
        cells = [
            ("" if value is None else f"{value:.4f}").ljust(len(heading))
            for value, heading in zip(values, headings, strict=True)
        ]
        print_lines(f"{row.name:<16} {' '.join(cells)} {row.seconds:<8.1f} {row.settings}")
