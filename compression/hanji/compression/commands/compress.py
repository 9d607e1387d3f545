"""`hanji compress`: make a trained model smaller."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from hanji.compression.classifiers.files.file_names import SUFFIXES
from hanji.compression.classifiers.foreign.preprocessing import OPTIONS, add_preprocessing_options
from hanji.runtime.terminal import print_lines
from hanji.training.classifiers.untrusted.trust import add_trust_option, trusting_code
from hanji.training.commands.memory import add_memory_option, memory_limit_of

HELP = "compress a trained model by a recipe"
EXAMPLE = "hanji compress out/trained --recipe int8-qat --data ml-1m --out out/compressed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the trained model, the recipe and the output directory."""
    parser.add_argument(
        "trained",
        type=Path,
        metavar="TRAINED",
        help="a directory written by hanji train, or an image classifier: .keras, .h5, .onnx or "
        ".tflite file, or SavedModel",
    )
    parser.add_argument("--recipe", required=True, help="a recipe file, or the name of a built-in recipe")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data it was trained on; for a Keras file, images in one subfolder per class; for an .onnx "
        "or .tflite file with --labels, any folder of images",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="for an .onnx or .tflite file, and for several labels or values: one name per line; default: "
        "the subfolders of --data",
    )
    parser.add_argument(
        "--formats",
        help="for an .onnx file: onnx,tflite makes and quantizes a TFLite file as well, with the converter "
        "that `hanji setup-onnx2tf` installs; default: the format of the file",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="directory for the compressed model"
    )
    add_memory_option(parser)
    add_preprocessing_options(parser)
    add_trust_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compress and save; 0 when done."""
    from hanji.training.classifiers.untrusted.programs import expect_no_program
    from hanji.training.commands.writing import writing_to
    from hanji.training.progress import show_progress
    from hanji.training.task import task_of_directory

    show_progress()
    expect_no_program(args.trained)
    task = task_of_directory(args.trained, "training", "trained_file")
    _expect_no_preprocessing(args, foreign=task is None)
    with (
        writing_to(args.out),
        memory_limit_of(args, task or "image-classification"),
        trusting_code(args.trust_code),
    ):
        if task is None and (args.trained.suffix.lower() in SUFFIXES or _has_other_outputs(args)):
            return _file(args)
        _expect_no_file_options(args)
        full, compressed = _foreign(args) if task is None else _trained(args, task)
    print_lines("metric           full      compressed")
    for name, value in compressed.items():
        before = f"{full[name]:.4f}" if name in full else "undefined"
        print_lines(f"{name:<16} {before:<9} {value:.4f}")
    print_lines(f"The compressed model is in {args.out}")
    return 0


def _trained(args: argparse.Namespace, name: str) -> tuple[Mapping[str, float], Mapping[str, float]]:
    from hanji.compression.task import task_named
    from hanji.training.content import warn_of_other_data
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    task = task_named(name)
    recipe = task.recipe.load(args.recipe)

    import_tensorflow()
    trained = task.load_trained(args.trained)
    config = settings_from(task.data_config, trained.data.config, f"{args.trained}: data")
    dataset = task.load(config, args.data, seed=trained.seed)
    warn_of_other_data(str(args.trained), trained.data.content, dataset.content)
    compressed = task.compress(trained, recipe, dataset, work=_checkpoints(args))
    task.save_compressed(compressed, args.out)
    return trained.metrics, compressed.metrics


def _foreign(args: argparse.Namespace) -> tuple[Mapping[str, float], Mapping[str, float]]:
    from hanji.compression.classifiers.foreign.preprocessing import Preprocessing, preprocessing_of
    from hanji.compression.classifiers.recipe import ImageRecipe
    from hanji.training.classifiers.config import ImageTrainingConfig
    from hanji.training.errors import DataError
    from hanji.training.quiet import import_tensorflow

    if not (args.trained.is_file() or (args.trained / "saved_model.pb").is_file()):
        raise DataError(
            f"{args.trained}: expected a directory written by `hanji train`, a .keras or .h5 file or a "
            "SavedModel directory, found none of these"
        )
    file = ImageRecipe.file_named(args.recipe)
    recipe, preprocessing = ImageRecipe.from_file(file), preprocessing_of(args, Preprocessing)
    if args.data is None:
        raise DataError("expected --data with a folder of images, one subfolder per class, found none")

    import_tensorflow()
    from hanji.compression.classifiers.compressed import save_compressed_classifier
    from hanji.compression.classifiers.foreign.keras_file import TRAINING, compress_keras_file

    training = file.settings("training", ImageTrainingConfig)
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
    return compressed.full.metrics, compressed.metrics


def _file(args: argparse.Namespace) -> int:
    """Quantize a model file; 0 when done."""
    from hanji.compression.classifiers.conversion.formats import one_format_text
    from hanji.compression.classifiers.files.labels import read_labels
    from hanji.compression.classifiers.files.settings import WrapSettings
    from hanji.compression.classifiers.files.settings_file import read_settings
    from hanji.compression.classifiers.foreign.preprocessing import preprocessing_of
    from hanji.compression.classifiers.recipe import ImageRecipe
    from hanji.training.errors import DataError
    from hanji.training.quiet import import_tensorflow

    if args.trained.suffix.lower() not in SUFFIXES:
        _expect_without(args, "formats", "an .onnx")
    recipe = ImageRecipe.load(args.recipe)
    settings = preprocessing_of(args, WrapSettings, read_settings)
    labels = read_labels(args.labels) if args.labels else None
    if args.data is None:
        raise DataError("expected --data with a folder of images for calibration, found none")

    import_tensorflow()
    from hanji.compression.classifiers.files.compress_file import compress_model_file
    from hanji.compression.classifiers.files.compressed_file import save_compressed_file

    formats = args.formats.split(",") if args.formats is not None else None
    compressed = compress_model_file(
        args.trained, recipe, args.data, settings=settings, labels=labels, formats=formats
    )
    save_compressed_file(compressed, args.out)
    for name, reason in compressed.left_out.items():
        print_lines(f"{name} LEFT OUT: {reason}")
    if formats is None and compressed.format == "onnx":
        print_lines(one_format_text())
    print_lines(
        f"The compressed file is in {args.out}; `hanji export {args.out} --out BUNDLE` makes a bundle of it"
    )
    return 0


def _has_other_outputs(args: argparse.Namespace) -> bool:
    """Whether the preprocessing file says that outputs are several labels or values."""
    from hanji.compression.classifiers.files.settings import OTHER_OUTPUTS
    from hanji.training.errors import RecipeError
    from hanji.training.settings import read_toml

    if args.preprocessing is None or args.preprocessing.suffix.lower() == ".json":
        return False
    gives = read_toml(args.preprocessing).get("gives")
    if gives is not None and gives not in OTHER_OUTPUTS:
        raise RecipeError(
            f"{args.preprocessing}: gives: expected {', '.join(OTHER_OUTPUTS)} for a Keras model, whose "
            f"probabilities or logits of classes are recognized, found {gives!r}; leave it out"
        )
    return gives is not None


def _expect_no_file_options(args: argparse.Namespace) -> None:
    _expect_without(args, "labels", "an .onnx or .tflite")
    _expect_without(args, "formats", "an .onnx")


def _expect_without(args: argparse.Namespace, option: str, kinds: str) -> None:
    from hanji.training.errors import RecipeError

    if getattr(args, option):
        raise RecipeError(f"--{option}: expected only with {kinds} file, found {args.trained}; leave it out")


def _checkpoints(args: argparse.Namespace) -> Path:
    work: Path = args.out.with_name(f"{args.out.name}.checkpoints")
    return work


def _expect_no_preprocessing(args: argparse.Namespace, *, foreign: bool) -> None:
    from hanji.training.errors import RecipeError

    given = [f"--{name}" for name in OPTIONS if getattr(args, name) is not None]
    if given and not foreign:
        raise RecipeError(
            f"{', '.join(given)}: expected only with a model trained elsewhere, but {args.trained} was "
            "written by `hanji train`; leave them out"
        )
