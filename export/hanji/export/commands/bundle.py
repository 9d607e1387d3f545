"""`hanji bundle`: wraps an existing model file as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.runtime.terminal import print_lines

HELP = "wrap an existing .tflite or .onnx image classifier as a bundle, without retraining"
EXAMPLE = "hanji bundle model.tflite --labels labels.txt --preprocessing preprocessing.toml --out out/bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, the metadata that its file lacks, and the output directory."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite or .onnx file")
    parser.add_argument(
        "--labels",
        type=Path,
        required=True,
        metavar="FILE",
        help="names of the outputs: one per line, or JSON: a list, or {labels: [...], names: {ko: [...]}}",
    )
    parser.add_argument(
        "--preprocessing",
        type=Path,
        required=True,
        metavar="FILE",
        help="TOML: scale, mean, std, fit, background, gives, thresholds, units, temperature, licence; "
        "height and width if the model accepts any input size; channel_order, layout, channels and output "
        "if the file does not tell. Or the JSON file of transformers or timm",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle directory")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="images for the self-test; default: generated images"
    )
    parser.add_argument(
        "--edge-tpu",
        action="store_true",
        help="reject a model with an operator that the Edge TPU compiler does not support",
    )
    parser.add_argument(
        "--formats",
        help="default: that of the file. onnx,tflite makes a TFLite file of an .onnx file as well, with the "
        "converter that `hanji setup-onnx2tf` installs; it is left out with the reason if it would answer "
        "differently",
    )
    parser.add_argument("--name", default="", help="the name of the bundle; default: the file name")


def run(args: argparse.Namespace) -> int:
    """Wrap the model; return 0."""
    from hanji.compression.classifiers.conversion.formats import one_format_text
    from hanji.compression.classifiers.files.labels import read_labels
    from hanji.compression.classifiers.files.settings_file import read_settings
    from hanji.export.classifiers.wrap.wrap import WrapOptions, wrap_model
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import writing_to
    from hanji.training.progress import show_progress

    show_progress()

    labels = read_labels(args.labels)
    settings = read_settings(args.preprocessing)
    with writing_to(args.out, ANEW):
        summary = wrap_model(
            args.model,
            args.out,
            labels=labels,
            settings=settings,
            samples=args.pictures,
            options=WrapOptions(
                name=args.name,
                formats=args.formats.split(",") if args.formats is not None else None,
                edge_tpu=args.edge_tpu,
            ),
        )
    print_lines(*summary.lines())
    if args.formats is None and summary.artifacts[0].format == "onnx":
        print_lines(one_format_text())
    return 0
