"""`hanji export`: a bundle from a compressed model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.export.config import FORMATS

if TYPE_CHECKING:
    from hanji.export.bundle_files import BundleSummary

HELP = "export a compressed model as a bundle"
EXAMPLE = "hanji export out/compressed --out out/bundle --formats tflite,onnx"

_POLICIES = ("unknown_user", "unknown_item")
_CLASSIFIER = "compressed-classifier.json"  # what hanji compress writes of a picture classifier


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
    classifier = (args.compressed / _CLASSIFIER).exists()
    summary = _export_classifier(args) if classifier else _export_recommender(args)
    print("\n".join(summary.lines()))
    return 0


def _export_recommender(args: argparse.Namespace) -> BundleSummary:
    from hanji.export.config import ExportConfig
    from hanji.training.errors import RecipeError
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    if args.edge_tpu:
        raise RecipeError(
            "hanji export: --edge-tpu is for picture classifiers; a recommender looks rows up in tables, "
            "which the Edge TPU cannot"
        )
    if args.data is not None:
        raise RecipeError("hanji export: --data is for picture classifiers; leave it out for a recommender")
    chosen = {name: getattr(args, name) for name in _POLICIES if getattr(args, name) is not None}
    config = settings_from(ExportConfig, {**_formats(args), **chosen}, "hanji export")

    import_tensorflow()
    from hanji.compression.compressed import load_compressed
    from hanji.export.writer import export_bundle

    return export_bundle(
        load_compressed(args.compressed),
        args.out,
        formats=config.formats,
        unknown_user=config.unknown_user,
        unknown_item=config.unknown_item,
        replace=True,
    )


def _export_classifier(args: argparse.Namespace) -> BundleSummary:
    from hanji.export.images.config import ImageExportConfig
    from hanji.training.errors import RecipeError
    from hanji.training.quiet import import_tensorflow
    from hanji.training.settings import settings_from

    if any(getattr(args, name) is not None for name in _POLICIES):
        raise RecipeError(
            "hanji export: --unknown-user and --unknown-item are for recommenders; a classifier knows no ids"
        )
    table = {**_formats(args), "edge_tpu": args.edge_tpu}
    config = settings_from(ImageExportConfig, table, "hanji export")

    import_tensorflow()
    from hanji.compression.images.compressed import load_compressed_classifier
    from hanji.export.images.evaluate import pictures_behind
    from hanji.export.images.writer import export_classifier

    compressed = load_compressed_classifier(args.compressed)
    dataset = pictures_behind(compressed, args.data)
    test = None if dataset is None else dataset.test
    return export_classifier(
        compressed, args.out, formats=config.formats, test=test, edge_tpu=config.edge_tpu, replace=True
    )


def _formats(args: argparse.Namespace) -> dict[str, list[str]]:
    """The formats asked for; an empty table leaves the choice to the settings' default."""
    if args.formats is not None:
        return {"formats": args.formats.split(",")}
    return {"formats": ["tflite"]} if args.edge_tpu else {}
