"""`hanji train`: a model from a recipe and data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hanji.training.recipe_file import RecipeFile

HELP = "train the full model of a recipe"
EXAMPLE = "hanji train examples/movielens-1m.toml --data ml-1m --out out/trained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, the data and where the result goes."""
    parser.add_argument("recipe", type=Path, metavar="CONFIG", help="a recipe file (TOML)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the data; not needed for the synthetic catalogue and digits"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the trained model goes")
    parser.add_argument("--seed", type=int, help="take this seed instead of the recipe's")


def run(args: argparse.Namespace) -> int:
    """Train and save; 0 when done."""
    from hanji.training.recipe_file import read_recipe_file

    file = read_recipe_file(args.recipe, seed=args.seed)
    stage = _train_recommender if file.task == "recommendation" else _train_classifier
    for name, value in stage(file, args.data, args.out).items():
        print(f"{name}: {value:.4f}")
    print(f"The trained model is in {args.out}")
    return 0


# TensorFlow takes seconds to import: a faulty recipe or data set is told before.


def _train_recommender(file: RecipeFile, data: Path | None, out: Path) -> dict[str, float]:
    from hanji.training.config import TrainingConfig
    from hanji.training.data import DataConfig, load_dataset
    from hanji.training.models.config import ModelConfig
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    source = settings_from(DataConfig, file.data, f"{file.path}: data")
    model = settings_from(ModelConfig, file.model, f"{file.path}: model")
    training = settings_from(TrainingConfig, file.training, f"{file.path}: training")
    dataset = load_dataset(source, data)

    import_tensorflow()
    from hanji.training.interruption import resumable
    from hanji.training.train import train
    from hanji.training.trained import save_trained

    with resumable():
        trained = train(
            dataset, data=source, model=model, training=training, seed=file.seed, work=_checkpoints(out)
        )
    save_trained(trained, out)
    return trained.metrics


def _train_classifier(file: RecipeFile, data: Path | None, out: Path) -> dict[str, float]:
    from hanji.training.images.config import ImageTrainingConfig
    from hanji.training.images.data import ImageDataConfig, load_images
    from hanji.training.images.models.config import ImageModelConfig
    from hanji.training.progress import tell
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    source = settings_from(ImageDataConfig, file.data, f"{file.path}: data")
    model = settings_from(ImageModelConfig, file.model, f"{file.path}: model")
    training = settings_from(ImageTrainingConfig, file.training, f"{file.path}: training")
    dataset = load_images(source, data, seed=file.seed)
    for line in dataset.overview_lines():
        tell(line)

    import_tensorflow()
    from hanji.training.images.train import train_classifier
    from hanji.training.images.trained import save_classifier
    from hanji.training.interruption import resumable

    with resumable():
        trained = train_classifier(
            dataset, data=source, model=model, training=training, seed=file.seed, work=_checkpoints(out)
        )
    save_classifier(trained, out)
    return trained.metrics


def _checkpoints(out: Path) -> Path:
    return out.with_name(f"{out.name}.checkpoints")
