"""`hanji compress`: make a trained model smaller."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "compress a trained model by a recipe"
EXAMPLE = "hanji compress out/trained --recipe int8-qat --data ml-1m --out out/compressed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the trained model, the recipe and where the result goes."""
    parser.add_argument("trained", type=Path, metavar="TRAINED", help="what hanji train wrote")
    parser.add_argument("--recipe", required=True, help="a recipe file, or the name of a built-in recipe")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data it was trained on")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where the compressed model goes"
    )


def run(args: argparse.Namespace) -> int:
    """Compress and save; 0 when done."""
    from hanji.compression.recipe import load_recipe
    from hanji.training.quiet import import_tensorflow

    recipe = load_recipe(args.recipe)

    import_tensorflow()
    from hanji.compression.compress import compress
    from hanji.compression.compressed import save_compressed
    from hanji.training.data import DataConfig, load_dataset
    from hanji.training.interruption import resumable
    from hanji.training.settings import settings_from
    from hanji.training.trained import load_trained

    trained = load_trained(args.trained)
    data = settings_from(DataConfig, trained.data.config, f"{args.trained}: data")
    dataset = load_dataset(data, args.data)
    work = args.out.with_name(f"{args.out.name}.checkpoints")
    with resumable():
        compressed = compress(trained, recipe, dataset, work=work)
    save_compressed(compressed, args.out)
    print("metric           full      compressed")
    for name, value in compressed.metrics.items():
        print(f"{name:<16} {trained.metrics[name]:<9.4f} {value:.4f}")
    print(f"The compressed model is in {args.out}")
    return 0
