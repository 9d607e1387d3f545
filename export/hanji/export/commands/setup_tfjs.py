"""`hanji setup-tfjs`: installs TF.js for Node, with which exports are checked."""

from __future__ import annotations

import argparse

HELP = "install TF.js for Node, so that exported TF.js models are checked in their real engine"
EXAMPLE = "hanji setup-tfjs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose but to do it again."""
    parser.add_argument("--force", action="store_true", help="install again even if it is there")


def run(args: argparse.Namespace) -> int:
    """Install unless it is there; 0 when TF.js can be used."""
    from hanji.export.formats.tfjs_node import TfjsMissingError, find_tfjs, install_tfjs
    from hanji.training.progress import show_progress

    show_progress()

    if not args.force:
        try:
            print(f"TF.js is there: {find_tfjs().packages}")
            return 0
        except TfjsMissingError:
            pass  # which is why this command is run
    print("Installing TF.js with npm (about 90 MB) ...")
    print(f"TF.js is there: {install_tfjs().packages}")
    return 0
