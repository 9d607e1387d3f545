"""`hanji info`: what a bundle contains, which engine would run it and, with --device, operator placement."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hanji.runtime.bundle import Bundle, open_bundle
from hanji.runtime.classifier import Classifier
from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    open_options,
    print_table,
    requested_by,
    synthetic_note,
)
from hanji.runtime.engines.choice import ENGINE_KINDS, Choice, Refusal, consider
from hanji.runtime.manifest import AnyManifest, Artifact, ClassifierManifest, Manifest, RecommenderManifest
from hanji.runtime.placement import Placement
from hanji.runtime.recommender import Recommender
from hanji.runtime.terminal import print_json, print_lines

HELP = "show what a bundle contains and which engine would run it"
EXAMPLE = "hanji info out/bundle\n  hanji info --device out/bundle --delegate libedgetpu.so.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument(
        "--device",
        action="store_true",
        help="load the model and show which operators run where; the options below apply to this",
    )
    add_engine(parser)


def run(args: argparse.Namespace) -> int:
    bundle = open_bundle(args.bundle)
    engines = [consider(bundle.manifest, kind, requested_by(args)) for kind in ENGINE_KINDS]
    placement = _placement(bundle, open_options(args)) if args.device else None
    if args.json:
        device = {} if placement is None else {"placement": placement.as_json()}
        print_json({**_as_json(bundle, engines), **device})
    elif placement is not None:
        _print_placement(placement)
    else:
        _print(bundle.manifest, engines)
    return 0


def _placement(bundle: Bundle, options: Mapping[str, Any]) -> Placement:
    model = Classifier if isinstance(bundle.manifest, ClassifierManifest) else Recommender
    with model.open(bundle.root, **options) as opened:
        return opened.placement


def _print_placement(placement: Placement) -> None:
    operators = [f"{count} on {device}" for device, count in placement.operators.items()]
    print_table(
        [
            ["engine", f"{placement.engine} {placement.version}"],
            ["threads", str(placement.threads)],
            ["requested", ", ".join(placement.asked) or "CPU only"],
            ["in use", ", ".join(placement.got) or "CPU only"],
            ["operators", ", ".join(operators) or "not reported by the engine"],
            *(["fallback", line] for line in placement.fallbacks),
        ]
    )


def _print(manifest: AnyManifest, engines: list[Choice | Refusal]) -> None:
    _print_summary(manifest)
    print_lines("", "artifacts")
    print_table([_artifact_row(artifact) for artifact in manifest.artifacts])
    print_lines("", "metrics")
    print_table(_metric_rows(manifest), right=(1, 2))
    print_lines("", "engines")
    for decision in engines:
        if isinstance(decision, Choice):
            print_lines(
                f"{decision.kind.name}: version {decision.version} is installed and can run this bundle"
            )
        else:
            print_lines(decision.reason)
    print_lines("", "File contents were not checked; run hanji verify for that.")


def _print_summary(manifest: AnyManifest) -> None:
    steps = " → ".join(str(step["type"]) for step in manifest.recipe.steps) or "no steps"
    model = manifest.model
    size = f"{model.parameters:,} parameters, {model.full_parameters:,} before compression"
    print_table(
        [
            ["bundle", manifest.name],
            ["task", manifest.task],
            ["model", f"{model.type}, {size}"],
            ["recipe", f"{manifest.recipe.name} ({steps})"],
            *(
                _classifier_rows(manifest)
                if isinstance(manifest, ClassifierManifest)
                else _recommender_rows(manifest)
            ),
            ["licence", manifest.training_data.licence or "not stated"],
            ["made with", ", ".join(f"{tool} {version}" for tool, version in manifest.versions.items())],
        ]
    )
    note = synthetic_note(manifest)
    if note:
        print_lines(note)


def _recommender_rows(manifest: RecommenderManifest) -> list[list[str]]:
    if manifest.users is None:
        latest = manifest.model.latest_items
        order = f", oldest item first; the latest {latest:,} count" if latest else ""
        takes, unknown_user = f"the user's interaction history{order}; no user table", []
    else:
        takes = f"the id of one of {manifest.users.count:,} users"
        unknown_user = [["unknown user", manifest.users.unknown]]
    data = manifest.training_data
    return [
        ["takes", takes],
        *unknown_user,
        ["unknown item", manifest.items.unknown],
        ["data", f"{data.users:,} users, {data.items:,} items, {data.interactions:,} interactions"],
    ]


def _classifier_rows(manifest: ClassifierManifest) -> list[list[str]]:
    data, image_input, probabilities = manifest.training_data, manifest.picture, manifest.probabilities
    colour = "grayscale" if image_input.channels == 1 else "RGB"
    fit = {"crop": "centre-cropped", "stretch": "stretched", "pad": "padded"}[image_input.fit]
    outputs = {
        "graph": "probabilities",
        "softmax": f"probabilities, softmax at temperature {probabilities.temperature:g}",
        "none": "raw model outputs",
    }[probabilities.source]
    outputs += f", {manifest.labels.count:,} classes"
    if manifest.output is not None:
        what = "labels" if manifest.output.thresholds else "numbers"
        outputs = f"{manifest.output.kind}, {manifest.labels.count:,} {what}"
    trained_on = f"{data.pictures:,} images of {data.classes:,} classes" if data.pictures else "not stated"
    return [
        ["takes", f"images of any size, {fit} to {image_input.width} × {image_input.height} {colour}"],
        ["outputs", outputs],
        ["data", trained_on],
    ]


def _artifact_row(artifact: Artifact) -> list[str]:
    parity = artifact.parity
    if parity.checked:
        if parity.agreement is not None:
            agreement = f"agreement {parity.agreement:.3f}"
        elif parity.top1_agreement is not None:
            agreement = f"top-1 agreement {parity.top1_agreement:.1%}"
        else:
            agreement = f"top-10 overlap {parity.top10_overlap:.3f}"
        checked = f"{agreement}, max abs error {parity.max_abs_error:.3g}"
    else:
        checked = f"not checked: {parity.reason}"
    engines = ", ".join(f"{engine.name} ≥ {engine.oldest_version}" for engine in artifact.engines)
    return [artifact.format, artifact.precision, f"{artifact.bytes:,} bytes", engines, checked]


def _metric_rows(manifest: Manifest) -> list[list[str]]:
    metrics = manifest.metrics
    rows = [[metrics.protocol, "full", "compressed"]]
    for name in [*metrics.full, *(name for name in metrics.compressed if name not in metrics.full)]:
        values = (metrics.full.get(name), metrics.compressed.get(name))
        rows.append([name, *("-" if value is None else f"{value:.4f}" for value in values)])
    return rows


def _as_json(bundle: Bundle, engines: list[Choice | Refusal]) -> dict[str, object]:
    return {
        "manifest_sha256": bundle.manifest_sha256,
        "takes": bundle.manifest.takes,
        "manifest": asdict(bundle.manifest),
        "engines": [
            {"name": decision.kind.name, "ready": True, "version": decision.version}
            if isinstance(decision, Choice)
            else {"name": decision.kind.name, "ready": False, "reason": decision.reason}
            for decision in engines
        ],
    }
