"""`hanji setup-tfjs`: installs TF.js for Node, which is needed to check TF.js exports."""

from __future__ import annotations

import argparse

from hanji.runtime.terminal import print_lines

HELP = "install TF.js for Node, so that exported TF.js models can be checked in their engine"
EXAMPLE = "hanji setup-tfjs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option to reinstall."""
    parser.add_argument("--force", action="store_true", help="reinstall even if it is already installed")


def run(args: argparse.Namespace) -> int:
    """Install unless already installed; return 0."""
    from hanji.export.formats.tfjs_node import TfjsMissingError, find_tfjs, install_tfjs
    from hanji.training.progress import show_progress

    show_progress()

    if not args.force:
        try:
            print_lines(f"TF.js is already installed in {find_tfjs().packages}")
            return 0
        except TfjsMissingError:
            pass  # installed below
    print_lines("Installing TF.js with npm (about 90 MB) ...")
    print_lines(f"TF.js is installed in {install_tfjs().packages}")
    return 0
