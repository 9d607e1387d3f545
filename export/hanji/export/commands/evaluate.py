"""`hanji evaluate`: metrics of the artifact that ships."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hanji.runtime.manifest import ClassifierManifest, RecommenderManifest

HELP = "measure a bundle on its test set, through the runtime"
EXAMPLE = "hanji evaluate out/bundle --data ml-1m --engine litert"


class _Found(NamedTuple):
    metrics: dict[str, float]
    protocol: str
    data: str
    synthetic: bool


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
    from hanji.runtime.bundle import open_bundle
    from hanji.runtime.manifest import ClassifierManifest

    manifest = open_bundle(args.bundle).manifest
    if isinstance(manifest, ClassifierManifest):
        found = _classifier(manifest, args)
    else:
        found = _recommender(manifest, args)
    if args.json:
        about = {"bundle": manifest.name, "protocol": found.protocol, "synthetic": found.synthetic}
        print(json.dumps({**about, **found.metrics}))
        return 0
    data = f"synthetic data ({found.data})" if found.synthetic else found.data
    print(f"{manifest.name} on {data}; {found.protocol}")
    for name, value in found.metrics.items():
        print(f"{name:<16} {value:.4f}")
    return 0


def _recommender(manifest: RecommenderManifest, args: argparse.Namespace) -> _Found:
    from hanji.export.evaluate import dataset_of, evaluate_bundle
    from hanji.training.evaluation import PROTOCOL

    dataset = dataset_of(manifest, args.data)
    metrics = evaluate_bundle(args.bundle, dataset, engine=args.engine)
    return _Found(metrics, PROTOCOL, dataset.name, dataset.synthetic)


def _classifier(manifest: ClassifierManifest, args: argparse.Namespace) -> _Found:
    from hanji.export.images.evaluate import classifier_test_set, evaluate_classifier_bundle
    from hanji.training.images.metrics import PROTOCOL

    dataset = classifier_test_set(manifest, args.data)
    metrics = evaluate_classifier_bundle(args.bundle, dataset, engine=args.engine)
    pictures = f"{dataset.name} ({len(dataset.test)} test pictures)"
    return _Found(metrics, PROTOCOL, pictures, dataset.synthetic)
