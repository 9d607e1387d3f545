"""The option `--master` of the commands that can use Spark."""

from __future__ import annotations

import argparse


def add_master_option(parser: argparse.ArgumentParser) -> None:
    """Declare --master."""
    parser.add_argument(
        "--master",
        metavar="URL",
        help="Spark's master, such as spark://host:7077; default: that of Spark's own configuration, or "
        "local[*], all cores of this machine",
    )
