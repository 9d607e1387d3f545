"""`hanji train`: a model from a recipe and data."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "train the full model of a recipe"
EXAMPLE = "hanji train examples/movielens-1m.toml --data ml-1m --out out/trained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, the data and where the result goes."""
    parser.add_argument("recipe", type=Path, metavar="CONFIG", help="a recipe file (TOML)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the data; not needed for the synthetic catalogue"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the trained model goes")
    parser.add_argument("--seed", type=int, help="take this seed instead of the recipe's")


def run(args: argparse.Namespace) -> int:
    """Train and save; 0 when done."""
    from hanji.training.config import TrainingConfig
    from hanji.training.data import DataConfig, load_dataset
    from hanji.training.models.config import ModelConfig
    from hanji.training.quiet import import_tensorflow
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.settings import settings_from

    file = read_recipe_file(args.recipe, seed=args.seed)
    data = settings_from(DataConfig, file.data, f"{file.path}: data")
    model = settings_from(ModelConfig, file.model, f"{file.path}: model")
    training = settings_from(TrainingConfig, file.training, f"{file.path}: training")
    dataset = load_dataset(data, args.data)

    # TensorFlow takes seconds to import: a faulty recipe or data set is told before.
    import_tensorflow()
    from hanji.training.interruption import resumable
    from hanji.training.train import train
    from hanji.training.trained import save_trained

    work = args.out.with_name(f"{args.out.name}.checkpoints")
    with resumable():
        trained = train(dataset, data=data, model=model, training=training, seed=file.seed, work=work)
    save_trained(trained, args.out)
    for name, value in trained.metrics.items():
        print(f"{name}: {value:.4f}")
    print(f"The trained model is in {args.out}")
    return 0
