"""`hanji profile`: parameters and multiply-accumulates of an image classifier."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hanji.runtime.terminal import print_json, print_lines
from hanji.training.classifiers.untrusted.trust import add_trust_option, trusting_code

if TYPE_CHECKING:
    from hanji.training.classifiers.data import ImageDataConfig
    from hanji.training.classifiers.profile_result import Profile

HELP = "count parameters and multiply-accumulates of an image classifier, layer by layer"
EXAMPLE = "hanji profile examples/fashion-mnist.toml"

Shape = tuple[int, int, int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the network and its input size."""
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a recipe (.toml), a .keras, .h5, .onnx or .tflite file, or a directory written by hanji train",
    )
    parser.add_argument(
        "--input",
        type=_shape,
        metavar="HxWxC",
        help="input size, such as 96x96x3 (default: the model's own)",
    )
    parser.add_argument(
        "--classes",
        type=_at_least_two,
        metavar="N",
        help="number of classes, for a recipe whose [data] table does not name them",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_trust_option(parser)


def run(args: argparse.Namespace) -> int:
    """Count and print; return 0."""
    from hanji.training.classifiers.untrusted.programs import expect_no_program
    from hanji.training.errors import DataError
    from hanji.training.progress import show_progress

    show_progress()
    expect_no_program(args.model)
    try:
        with trusting_code(args.trust_code):
            result = _profile(args)
    except ValueError as error:
        raise DataError(f"{args.model}: {error}") from None
    if args.json:
        print_json(result.table(), None)
    else:
        print_lines(*result.lines())
    return 0


def _profile(args: argparse.Namespace) -> Profile:
    from hanji.compression.classifiers.files.file_names import SUFFIXES
    from hanji.training.classifiers.untrusted.keras_file import KERAS_SUFFIXES

    suffix = args.model.suffix.lower()
    if suffix in SUFFIXES:
        from hanji.export.classifiers.inspection.file_profile import file_profile

        return file_profile(args.model, args.input)
    if suffix in KERAS_SUFFIXES and not args.model.is_dir():
        from hanji.export.classifiers.inspection.keras_profile import keras_profile

        return keras_profile(args.model, args.input)
    return _network_profile(args)


def _network_profile(args: argparse.Namespace) -> Profile:
    from hanji.training.quiet import import_tensorflow

    recipe = _recipe(args) if args.model.suffix == ".toml" else None

    # TensorFlow takes seconds to import, so errors in the recipe are reported first.
    import_tensorflow()
    from hanji.training.classifiers.profile import profile

    model = _built(recipe, args.model) if recipe else _loaded(args.model)
    return profile(model, None if recipe else args.input)


class _Recipe(NamedTuple):
    model: Any
    shape: Shape
    classes: int


def _recipe(args: argparse.Namespace) -> _Recipe:
    from hanji.training.classifiers.data.config import ImageDataConfig
    from hanji.training.classifiers.models.config import ImageModelConfig
    from hanji.training.errors import RecipeError
    from hanji.training.recipe_file import read_recipe_file

    file = read_recipe_file(args.model)
    file.expect_task("image-classification")
    data = file.settings("data", ImageDataConfig)
    shape, classes = args.input or _data_shape(data), args.classes or _data_classes(data)
    if shape is None:
        raise RecipeError(
            f"{args.model}: its [data] table does not specify the size and colour of the images; "
            "give --input, such as --input 28x28x1"
        )
    if classes is None:
        raise RecipeError(f"{args.model}: its [data] table does not name the classes; give --classes N")
    model = file.settings("model", ImageModelConfig)
    return _Recipe(model, shape, classes)


def _data_shape(data: ImageDataConfig) -> Shape | None:
    """The input shape, or None if it is unknown without reading the images."""
    height, width = (8, 8) if data.format == "digits" and not data.height else (data.height, data.width)
    channels = {"grey": 1, "rgb": 3, "auto": {"digits": 1, "folder": 3}.get(data.format)}[data.colour]
    return (height, width, channels) if height and channels else None


def _data_classes(data: ImageDataConfig) -> int | None:
    return 10 if data.format == "digits" else len(data.labels) or None


def _built(recipe: _Recipe, path: Path) -> Any:
    from hanji.training.classifiers.models.build import build_classifier
    from hanji.training.errors import RecipeError

    height, width, channels = recipe.shape
    try:
        return build_classifier(
            recipe.model, height=height, width=width, channels=channels, classes=recipe.classes
        )
    except ValueError as error:
        raise RecipeError(f"{path}: model: {error}") from None


def _loaded(path: Path) -> Any:
    from hanji.training.classifiers.trained import load_classifier
    from hanji.training.classifiers.untrusted.keras_file import KERAS_SUFFIXES
    from hanji.training.errors import DataError

    if (path / "saved_model.pb").is_file():
        raise DataError(
            f"{path}: expected layers to count, but a SavedModel has none; profile the tf_keras model "
            "(.keras, .h5) that it was made from, or a .tflite file"
        )
    if path.is_dir():
        return load_classifier(path).model
    raise DataError(
        f"{path}: expected a recipe (.toml), a Keras file ({', '.join(KERAS_SUFFIXES)}), an .onnx or .tflite "
        "file, or a directory written by `hanji train`"
    )


def _shape(text: str) -> Shape:
    try:
        height, width, channels = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected HxWxC, such as 96x96x3, found {text!r}") from None
    if min(height, width, channels) < 1:
        raise argparse.ArgumentTypeError(f"expected sizes of at least 1, found {text!r}")
    return height, width, channels


def _at_least_two(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 2, found {text!r}")
    return int(text)
