"""`hanji export`: a bundle from a compressed model."""

from __future__ import annotations

import argparse
from pathlib import Path

from hanji.export.config import FORMATS

HELP = "export a compressed model as a bundle"
EXAMPLE = "hanji export out/compressed --out out/bundle --formats tflite,onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the compressed model, the formats and where the bundle goes."""
    parser.add_argument("compressed", type=Path, metavar="COMPRESSED", help="what hanji compress wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle goes")
    parser.add_argument("--formats", default=",".join(FORMATS), help="default: %(default)s")
    parser.add_argument("--unknown-user", choices=("popularity", "error"), default="popularity")
    parser.add_argument("--unknown-item", choices=("skip", "error"), default="skip")


def run(args: argparse.Namespace) -> int:
    """Export; 0 when done."""
    from hanji.export.config import ExportConfig
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    table = {
        "formats": args.formats.split(","),
        "unknown_user": args.unknown_user,
        "unknown_item": args.unknown_item,
    }
    config = settings_from(ExportConfig, table, "hanji export")

    import_tensorflow()
    from hanji.compression.compressed import load_compressed
    from hanji.export.writer import export_bundle

    summary = export_bundle(
        load_compressed(args.compressed),
        args.out,
        formats=config.formats,
        unknown_user=config.unknown_user,
        unknown_item=config.unknown_item,
        replace=True,
    )
    print("\n".join(summary.lines()))
    return 0
