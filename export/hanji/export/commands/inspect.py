"""`hanji inspect`: what an image classifier in a file is, and what can be done with it."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.runtime.terminal import print_json, print_lines

HELP = "say what a model file is: inputs, outputs, preprocessing, what can be done with it"
EXAMPLE = "hanji inspect model.onnx"

_PT2 = (".pt2", ".pt", ".pth")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .keras, .h5, .onnx or .tflite file, or a SavedModel"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 0."""
    from hanji.compression.classifiers.files.file_names import SUFFIXES
    from hanji.training.errors import DataError
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow

    show_progress()
    path: Path = args.model
    if path.suffix.lower() in _PT2:
        raise DataError(
            f"{path}: a file of PyTorch is a program for PyTorch; export the model with "
            "torch.onnx.export(model, (example,), 'model.onnx', dynamo=True), and inspect model.onnx"
        )
    if not path.exists():
        raise DataError(f"{path}: expected a model file or a SavedModel directory, found none")
    import_tensorflow()
    if path.suffix.lower() in SUFFIXES:
        from hanji.export.classifiers.inspection.model_files import model_file_findings

        findings = model_file_findings(path)
    else:
        from hanji.export.classifiers.inspection.keras_files import keras_findings

        findings = keras_findings(path)
    if args.json:
        print_json(findings.table(), None)
    else:
        print_lines(*findings.lines())
    return 0
