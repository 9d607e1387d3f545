"""`hanji evaluate`: metrics of the artifact that ships."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "measure a bundle on its test set, through the runtime"
EXAMPLE = "hanji evaluate out/bundle --data ml-1m --engine litert"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bundle, the data and the engine."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="the directory that hanji build or export wrote"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data its model was trained on")
    parser.add_argument("--engine", choices=("auto", "litert", "onnxruntime"), default="auto")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 0 when done."""
    from hanji.export.evaluate import dataset_of, evaluate_bundle
    from hanji.runtime.bundle import open_bundle
    from hanji.training.evaluation import PROTOCOL

    manifest = open_bundle(args.bundle).manifest
    dataset = dataset_of(manifest, args.data)
    metrics = evaluate_bundle(args.bundle, dataset, engine=args.engine)
    if args.json:
        print(
            json.dumps(
                {"bundle": manifest.name, "protocol": PROTOCOL, "synthetic": dataset.synthetic, **metrics}
            )
        )
        return 0
    data = f"synthetic data ({dataset.name})" if dataset.synthetic else f"{dataset.name}"
    print(f"{manifest.name} on {data}; {PROTOCOL}")
    for name, value in metrics.items():
        print(f"{name:<16} {value:.4f}")
    return 0
