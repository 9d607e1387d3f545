"""`hanji compress`: make a trained model smaller."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from hanji.compression.images.preprocessing import OPTIONS, add_preprocessing_options

HELP = "compress a trained model by a recipe"
EXAMPLE = "hanji compress out/trained --recipe int8-qat --data ml-1m --out out/compressed"

Kind = Literal["recommender", "classifier", "keras"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the trained model, the recipe and where the result goes."""
    parser.add_argument(
        "trained",
        type=Path,
        metavar="TRAINED",
        help="what hanji train wrote, or a picture classifier: a .keras or .h5 file, a SavedModel directory",
    )
    parser.add_argument("--recipe", required=True, help="a recipe file, or the name of a built-in recipe")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data it was trained on; for a Keras file, pictures in one sub-folder a class",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where the compressed model goes"
    )
    add_preprocessing_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compress and save; 0 when done."""
    kind = kind_of(args.trained)
    _expect_no_preprocessing(args, kind)
    compress = {"recommender": _recommender, "classifier": _classifier, "keras": _keras_file}[kind]
    full, compressed = compress(args)
    print("metric           full      compressed")
    for name, value in compressed.items():
        print(f"{name:<16} {full[name]:<9.4f} {value:.4f}")
    print(f"The compressed model is in {args.out}")
    return 0


def kind_of(trained: Path) -> Kind:
    """What TRAINED holds; DataError if it is nothing that can be compressed."""
    from hanji.training.errors import DataError

    if (trained / "trained.json").is_file():
        return "recommender"
    if (trained / "classifier.json").is_file():
        return "classifier"
    if trained.is_file() or (trained / "saved_model.pb").is_file():
        return "keras"
    raise DataError(
        f"{trained}: expected a directory written by `hanji train`, a .keras or .h5 file or a SavedModel "
        "directory, found none of them"
    )


def _recommender(args: argparse.Namespace) -> tuple[Mapping[str, float], Mapping[str, float]]:
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
    with resumable():
        compressed = compress(trained, recipe, dataset, work=_checkpoints(args))
    save_compressed(compressed, args.out)
    return trained.metrics, compressed.metrics


def _classifier(args: argparse.Namespace) -> tuple[Mapping[str, float], Mapping[str, float]]:
    from hanji.compression.images.recipe import ImageRecipe
    from hanji.training.quiet import import_tensorflow

    recipe = ImageRecipe.load(args.recipe)

    import_tensorflow()
    from hanji.compression.images.compress import compress_classifier
    from hanji.compression.images.compressed import save_compressed_classifier
    from hanji.training.images.data import ImageDataConfig, load_images
    from hanji.training.images.trained import load_classifier
    from hanji.training.interruption import resumable
    from hanji.training.settings import settings_from

    trained = load_classifier(args.trained)
    data = settings_from(ImageDataConfig, trained.data.config, f"{args.trained}: data")
    dataset = load_images(data, args.data, seed=trained.seed)
    with resumable():
        compressed = compress_classifier(trained, recipe, dataset, work=_checkpoints(args))
    save_compressed_classifier(compressed, args.out)
    _tell(compressed.notes)
    return trained.metrics, compressed.metrics


def _keras_file(args: argparse.Namespace) -> tuple[Mapping[str, float], Mapping[str, float]]:
    from hanji.compression.images.preprocessing import preprocessing_of
    from hanji.compression.images.recipe import ImageRecipe
    from hanji.training.errors import DataError
    from hanji.training.images.config import ImageTrainingConfig
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    file = ImageRecipe.file_of(args.recipe)
    recipe, preprocessing = ImageRecipe.of_file(file), preprocessing_of(args)
    if args.data is None:
        raise DataError("expected --data with a folder of pictures, one sub-folder a class, found none")

    import_tensorflow()
    from hanji.compression.images.compressed import save_compressed_classifier
    from hanji.compression.images.keras_file import TRAINING, compress_keras_file
    from hanji.training.interruption import resumable

    training = settings_from(ImageTrainingConfig, file.training, f"{file.path}: training")
    with resumable():
        compressed = compress_keras_file(
            args.trained,
            recipe,
            args.data,
            preprocessing=preprocessing,
            work=_checkpoints(args),
            training=training if file.training else TRAINING,
            seed=file.seed,
        )
    save_compressed_classifier(compressed, args.out)
    _tell(compressed.notes)
    return compressed.full.metrics, compressed.metrics


def _checkpoints(args: argparse.Namespace) -> Path:
    work: Path = args.out.with_name(f"{args.out.name}.checkpoints")
    return work


def _tell(notes: tuple[str, ...]) -> None:
    from hanji.training.progress import tell

    for note in notes:
        tell(note)


def _expect_no_preprocessing(args: argparse.Namespace, kind: Kind) -> None:
    from hanji.training.errors import RecipeError

    given = [f"--{name}" for name in OPTIONS if getattr(args, name) is not None]
    if given and kind != "keras":
        raise RecipeError(
            f"{', '.join(given)}: expected with a model trained elsewhere only, but {args.trained} was "
            "written by `hanji train`; leave them out"
        )
