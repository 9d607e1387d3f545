"""`hanji data`: fetch a public data set, or check the ratings or pictures one has."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hanji.training.data import DataConfig
    from hanji.training.images.data import ImageDataConfig

HELP = "fetch ratings, or check the quality of your own ratings or pictures"
EXAMPLE = "hanji data check pictures/"

FORMATS = ("auto", "ncf", "movielens-1m", "movielens-100k", "movielens-csv")
"""Those that need no columns named; written here, not taken from `config.Format`, to keep `--help` light."""

PICTURE_FORMATS = ("folder", "idx", "npz")
"""A folder with one sub-folder a class, the files of the MNIST family, NumPy's arrays."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `fetch` and `check`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download a public data set, check it and unpack it")
    fetch.add_argument("name", choices=("movielens-1m", "movielens-100k"), help="which one")
    fetch.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    fetch.add_argument("--accept-licence", action="store_true", help="accept the licence without being asked")
    check = actions.add_parser(
        "check", help="read ratings or pictures as training would and report what is in them"
    )
    check.add_argument("directory", type=Path, metavar="DIR", help="where the files are")
    how = check.add_mutually_exclusive_group()
    how.add_argument(
        "--format",
        choices=(*FORMATS, *PICTURE_FORMATS),
        default="auto",
        help="default: auto, by the names of the files",
    )
    how.add_argument(
        "--recipe", type=Path, metavar="FILE", help="a recipe whose [data] table says how to read them"
    )
    check.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; 0 when done. Errors are HanjiErrors."""
    if args.action == "fetch":
        return _fetch(args)
    return _check(args)


def _fetch(args: argparse.Namespace) -> int:
    from hanji.training.data.fetch import ARCHIVES, fetch
    from hanji.training.errors import DataError

    archive = ARCHIVES[args.name]
    print(archive.licence, file=sys.stderr)
    if not args.accept_licence and not _accepted():
        raise DataError(
            f"{args.name}: the licence was not accepted, nothing was downloaded; see --accept-licence"
        )
    fetch(archive, args.out)
    print(f"{args.name} is in {args.out}; look at it with: hanji data check {args.out}")
    return 0


def _accepted() -> bool:
    if not sys.stdin.isatty():
        return False
    print("Do you accept this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _check(args: argparse.Namespace) -> int:
    table, lines = _by_recipe(args) if args.recipe is not None else _by_format(args)
    if args.json:
        print(json.dumps(table, sort_keys=True, indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines))
    return 0


def _by_recipe(args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from hanji.training.recipe_file import read_recipe_file
    from hanji.training.settings import settings_from

    recipe = read_recipe_file(args.recipe)
    where = f"{args.recipe}: data"
    if recipe.task == "image-classification":
        from hanji.training.images.data import ImageDataConfig

        return _pictures(settings_from(ImageDataConfig, recipe.data, where), args.directory, recipe.seed)
    from hanji.training.data import DataConfig

    return _ratings(settings_from(DataConfig, recipe.data, where), args.directory)


def _by_format(args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from hanji.training.data import DataConfig
    from hanji.training.images.data.detect import DetectedImages, detect_pictures

    name = f"data in {args.directory}"
    pictures: DetectedImages | None = args.format if args.format in PICTURE_FORMATS else None
    if args.format == "auto":
        pictures = detect_pictures(args.directory)
    if pictures is None:
        config = DataConfig(name=name, format=args.format)
        _check_recognized(config, args.directory)
        return _ratings(config, args.directory)
    if pictures == "folder":
        from hanji.training.images.data.survey import survey_folder

        survey = survey_folder(args.directory)
        return survey.table(), survey.lines()
    from hanji.training.images.data import ImageDataConfig

    return _pictures(ImageDataConfig(name=name, format=pictures), args.directory, 0)


def _check_recognized(config: DataConfig, directory: Path) -> None:
    from hanji.training.data.detect import detect_format
    from hanji.training.errors import DataError

    if config.format != "auto":
        return
    try:
        detect_format(config, directory)
    except DataError as error:
        raise DataError(
            f"{error}; pictures are recognized by a sub-folder for each class with .png or .jpg files in it, "
            "by train-images-idx3-ubyte, or by one .npz file"
        ) from None


def _ratings(config: DataConfig, directory: Path) -> tuple[dict[str, Any], list[str]]:
    from hanji.training.data import load_dataset
    from hanji.training.data.overview import overview_lines, overview_table

    dataset = load_dataset(config, directory)
    return overview_table(dataset), overview_lines(dataset)


def _pictures(config: ImageDataConfig, directory: Path, seed: int) -> tuple[dict[str, Any], list[str]]:
    from hanji.training.images.data import load_images
    from hanji.training.images.data.overview import overview_lines, overview_table

    dataset = load_images(config, directory, seed=seed)
    return overview_table(dataset), overview_lines(dataset)
