"""`hanji setup-onnx2tf`: installs the converter from ONNX to TFLite in an environment of its own."""

from __future__ import annotations

import argparse

from hanji.runtime.terminal import print_lines

HELP = "install the converter from ONNX to TFLite, for bundles of an .onnx file in both formats"
EXAMPLE = "hanji setup-onnx2tf"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option to reinstall."""
    parser.add_argument("--force", action="store_true", help="reinstall even if it is already installed")


def run(args: argparse.Namespace) -> int:
    """Install unless already installed; return 0."""
    from hanji.compression.classifiers.conversion.environment import (
        environment_directory,
        has_converter,
        install_converter,
    )
    from hanji.training.progress import show_progress

    show_progress()

    if has_converter() and not args.force:
        print_lines(f"onnx2tf is already installed in {environment_directory()}")
        return 0
    print_lines("Installing onnx2tf with pip (about 75 MB to download, 340 MB on disk) ...")
    install_converter()
    print_lines(f"onnx2tf is installed in {environment_directory()}")
    return 0
