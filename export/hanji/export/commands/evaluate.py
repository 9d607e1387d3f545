"""`hanji evaluate`: test metrics of an exported bundle."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.runtime.terminal import print_json, print_lines
from hanji.training.commands.memory import add_memory_option, memory_limit_of

if TYPE_CHECKING:
    from hanji.export.task import GroupedMetrics

HELP = "evaluate a bundle on its test set, through the runtime"
EXAMPLE = (
    "hanji evaluate out/bundle --data ml-1m --engine litert\n"
    "  hanji evaluate out/bundle --data ml-1m --protocol sampled --protocol full"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bundle, the data, the engine and the protocols."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="a bundle directory written by hanji build or export"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data that the model was trained on")
    parser.add_argument("--engine", choices=("auto", "litert", "onnxruntime"), default="auto")
    parser.add_argument(
        "--protocol",
        action="append",
        default=[],
        metavar="PROTOCOL",
        help="recommenders only: the items among which a held-out item is ranked. sampled (default): the "
        "negatives of the data; uniform: 100 uniformly sampled ones that the user did not interact with; "
        "full: the whole catalogue without the user's training history. May be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")
    add_memory_option(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; return 0."""
    from hanji.export.task import protocols_of, task_named
    from hanji.runtime.bundle import open_bundle
    from hanji.training.content import same_data, warn_of_other_data
    from hanji.training.progress import show_progress

    show_progress()

    manifest = open_bundle(args.bundle).manifest
    task = task_named(manifest.task)
    protocols = protocols_of(task, args.protocol)
    dataset = task.dataset_of_bundle(manifest, args.data)
    recorded = manifest.training_data.content
    warn_of_other_data(manifest.name, recorded, dataset.content)
    with memory_limit_of(args, manifest.task):
        results = task.evaluate(args.bundle, dataset, engine=args.engine, protocols=protocols)
    found = dict(zip(protocols or [""], results, strict=True))
    if args.json:
        same = same_data(recorded, dataset.content)
        about = {"synthetic": dataset.synthetic, "same_data": same}
        print_json(_table(manifest.name, about, found), None)
    else:
        print_lines(*_lines(f"{manifest.name} on {task.test_set(dataset)}", found))
    return 0


def _table(bundle: str, about: Mapping[str, Any], found: Mapping[str, GroupedMetrics]) -> dict[str, Any]:
    """What --json prints: the metrics of one protocol, or a table of those of several, by name."""
    if len(found) == 1:
        (only,) = found.values()
        return {"bundle": bundle, "protocol": only.protocol, **about, **_metrics(only)}
    tables = {name: {"protocol": each.protocol, **_metrics(each)} for name, each in found.items()}
    return {"bundle": bundle, **about, "protocols": tables}


def _metrics(found: GroupedMetrics) -> dict[str, Any]:
    groups = {"groups": list(found.groups)} if found.groups else {}
    return {**found.metrics, **groups}


def _lines(title: str, found: Mapping[str, GroupedMetrics]) -> list[str]:
    """One metric per line for one protocol; several side by side."""
    if len(found) == 1:
        (only,) = found.values()
        values = [f"{name:<16} {value:.4f}" for name, value in only.metrics.items()]
        return [f"{title}; {only.protocol}", *values, *only.lines]
    phrases = [f"{name}: {each.protocol}" for name, each in found.items()]
    groups = [line for name, each in found.items() if each.lines for line in (f"{name}:", *each.lines)]
    return [title, *phrases, *_side_by_side(found), *groups]


def _side_by_side(found: Mapping[str, GroupedMetrics]) -> list[str]:
    """A column for each protocol, empty where it does not have the metric."""
    metrics = dict.fromkeys(metric for each in found.values() for metric in each.metrics)
    rows = [["", *found]]
    for metric in metrics:
        values = (each.metrics.get(metric) for each in found.values())
        rows.append([metric, *("" if value is None else f"{value:.4f}" for value in values)])
    return ["".join([f"{row[0]:<16} ", *(f"{cell:<9}" for cell in row[1:])]).rstrip() for row in rows]
