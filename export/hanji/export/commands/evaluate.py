"""`hanji evaluate`: test metrics of an exported bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hanji.training.commands.memory import add_memory_option, memory_limit_of

HELP = "evaluate a bundle on its test set, through the runtime"
EXAMPLE = "hanji evaluate out/bundle --data ml-1m --engine litert"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bundle, the data and the engine."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="a bundle directory written by hanji build or export"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data that the model was trained on")
    parser.add_argument("--engine", choices=("auto", "litert", "onnxruntime"), default="auto")
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")
    add_memory_option(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; return 0."""
    from hanji.export.task import task_named
    from hanji.runtime.bundle import open_bundle
    from hanji.training.content import same_data, warn_of_other_data
    from hanji.training.progress import show_progress

    show_progress()

    manifest = open_bundle(args.bundle).manifest
    task = task_named(manifest.task)
    dataset = task.dataset_of_bundle(manifest, args.data)
    recorded = manifest.training_data.content
    warn_of_other_data(manifest.name, recorded, dataset.content)
    with memory_limit_of(args, manifest.task):
        found = task.evaluate_groups(args.bundle, dataset, engine=args.engine)
    if args.json:
        about = {
            "bundle": manifest.name,
            "protocol": task.protocol(dataset),
            "synthetic": dataset.synthetic,
            "same_data": same_data(recorded, dataset.content),
        }
        groups = {"groups": list(found.groups)} if found.groups else {}
        print(json.dumps({**about, **found.metrics, **groups}))
        return 0
    print(f"{manifest.name} on {task.test_set(dataset)}; {task.protocol(dataset)}")
    for name, value in found.metrics.items():
        print(f"{name:<16} {value:.4f}")
    for line in found.lines:
        print(line)
    return 0
