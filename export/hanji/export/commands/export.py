"""`hanji export`: a bundle from a compressed model."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.export.formats.names import FORMATS

HELP = "export a compressed model as a bundle"
EXAMPLE = "hanji export out/compressed --out out/bundle --formats tflite,onnx"

_OPTIONS = ("unknown_user", "unknown_item", "edge_tpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the compressed model, the formats and where the bundle goes."""
    parser.add_argument("compressed", type=Path, metavar="COMPRESSED", help="what hanji compress wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle goes")
    parser.add_argument("--formats", help=f"default: {','.join(FORMATS)}; tflite with --edge-tpu")
    parser.add_argument(
        "--edge-tpu",
        action="store_true",
        help="of int8 classifiers: whole numbers only, for Google's Edge TPU; refused where an operator is "
        "not on the list of its compiler, which the file is then given to",
    )
    of_recommenders = "of recommenders; default: "
    parser.add_argument(
        "--unknown-user", choices=("popularity", "error"), help=f"{of_recommenders}popularity"
    )
    parser.add_argument("--unknown-item", choices=("skip", "error"), help=f"{of_recommenders}skip")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="of classifiers: what its model was trained on, to compare "
        "the exported files on test pictures, too; not needed for digits",
    )


def run(args: argparse.Namespace) -> int:
    """Export; 0 when done."""
    from hanji.export.task import task_named
    from hanji.training.errors import DataError, RecipeError
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from
    from hanji.training.task import task_of_directory

    show_progress()
    name = task_of_directory(args.compressed, "compression", "compressed_file")
    if name is None:
        raise DataError(
            f"{args.compressed}: expected a directory written by `hanji compress`, found none there"
        )
    task = task_named(name)
    for option, reason in task.refused_options.items():
        if getattr(args, option):
            raise RecipeError(f"hanji export: {reason}")
    chosen = {option: getattr(args, option) for option in _OPTIONS if getattr(args, option)}
    config = settings_from(task.export_config, {**_formats(args), **chosen}, "hanji export")

    import_tensorflow()
    compressed = task.load_compressed(args.compressed)
    dataset = task.dataset_of_compressed(compressed, args.data)
    summary = task.export(compressed, args.out, config, dataset=dataset, replace=True)
    print("\n".join(summary.lines()))
    return 0


def _formats(args: argparse.Namespace) -> dict[str, list[str]]:
    """The formats asked for; an empty table leaves the choice to the settings' default."""
    if args.formats is not None:
        return {"formats": args.formats.split(",")}
    return {"formats": ["tflite"]} if args.edge_tpu else {}
