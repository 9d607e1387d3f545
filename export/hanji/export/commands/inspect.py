"""`hanji inspect`: what an image classifier in a file is, and what can be done with it."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.runtime.terminal import print_json, print_lines

HELP = "say what a model file is: inputs, outputs, preprocessing, what can be done with it"
EXAMPLE = "hanji inspect model.onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .keras, .h5, .onnx or .tflite file, or a SavedModel"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 0."""
    from hanji.compression.classifiers.files.file_names import SUFFIXES
    from hanji.training.classifiers.untrusted.programs import expect_no_program
    from hanji.training.errors import DataError
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow

    show_progress()
    path: Path = args.model
    expect_no_program(path)
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
