"""`hanji export`: exports a compressed model as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.compression.classifiers.files.file_names import ABOUT
from hanji.export.formats.names import FORMATS
from hanji.runtime.terminal import print_lines

HELP = "export a compressed model as a bundle"
EXAMPLE = "hanji export out/compressed --out out/bundle --formats tflite,onnx"

_OPTIONS = ("unknown_user", "unknown_item", "edge_tpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the compressed model, the formats and the output directory."""
    parser.add_argument(
        "compressed", type=Path, metavar="COMPRESSED", help="the output directory of hanji compress"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle directory")
    parser.add_argument(
        "--formats",
        help=f"default: {','.join(FORMATS)}; tflite with --edge-tpu. A format that cannot represent a "
        "classifier is left out with a warning by default; named here, it is an error",
    )
    parser.add_argument(
        "--edge-tpu",
        action="store_true",
        help="int8 classifiers only: write an integer-only TFLite file for Google's Edge TPU; fails if its "
        "compiler does not support an operator. The file still has to be compiled with edgetpu_compiler",
    )
    parser.add_argument(
        "--unknown-user",
        choices=("popularity", "error"),
        help="recommenders only: the result for an unknown user id; default: popularity",
    )
    parser.add_argument(
        "--unknown-item",
        choices=("skip", "error"),
        help="recommenders only: the handling of unknown item ids; default: skip",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="classifiers only: the data that the model was trained on, to include its test images in the "
        "parity check; not needed for digits",
    )


def run(args: argparse.Namespace) -> int:
    """Export; return 0."""
    from hanji.export.task import task_named
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import writing_to
    from hanji.training.errors import DataError, RecipeError
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from
    from hanji.training.task import task_of_directory

    show_progress()
    if (args.compressed / ABOUT).is_file():
        return _file(args)
    name = task_of_directory(args.compressed, "compression", "compressed_file")
    if name is None:
        raise DataError(
            f"{args.compressed}: expected a directory written by `hanji compress`, found none at this path"
        )
    task = task_named(name)
    for option, reason in task.refused_options.items():
        if getattr(args, option):
            raise RecipeError(f"hanji export: {reason}")
    chosen = {option: getattr(args, option) for option in _OPTIONS if getattr(args, option)}
    config = settings_from(task.export_config, {**_formats(args), **chosen}, "hanji export")

    with writing_to(args.out, ANEW):
        import_tensorflow()
        compressed = task.load_compressed(args.compressed)
        dataset = task.dataset_of_compressed(compressed, args.data)
        summary = task.export(compressed, args.out, config, dataset=dataset, replace=True)
    print_lines(*summary.lines())
    return 0


def _file(args: argparse.Namespace) -> int:
    """Export a compressed model file in its own format; return 0."""
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import writing_to
    from hanji.training.errors import RecipeError
    from hanji.training.quiet import import_tensorflow

    given = [name for name in ("formats", *_OPTIONS, "data") if getattr(args, name)]
    if given:
        raise RecipeError(
            f"--{given[0].replace('_', '-')}: a compressed .onnx or .tflite file is exported in its own "
            "format, and compared on the images that it was compressed with; leave it out"
        )
    with writing_to(args.out, ANEW):
        import_tensorflow()
        from hanji.compression.classifiers.files.compressed_file import load_compressed_file
        from hanji.export.classifiers.wrap.compressed import bundle_compressed_file

        summary = bundle_compressed_file(load_compressed_file(args.compressed), args.out)
    print_lines(*summary.lines())
    return 0


def _formats(args: argparse.Namespace) -> dict[str, list[str]]:
    """The requested formats as a table; an empty one selects the default formats."""
    if args.formats is not None:
        return {"formats": args.formats.split(",")}
    return {"formats": ["tflite"]} if args.edge_tpu else {}
