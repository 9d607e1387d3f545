"""`hanji benchmark`: how long a bundle takes to open and to answer here."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hanji.runtime.benchmark import BenchmarkReport, benchmark
from hanji.runtime.bundle import open_bundle
from hanji.runtime.classifier_benchmark import CAMERA, ClassifierReport, benchmark_classifier
from hanji.runtime.commands._shared import add_bundle, add_engine, print_json, print_table
from hanji.runtime.manifest import ClassifierManifest
from hanji.runtime.timing import Latency

HELP = "time opening and answering, beside the engine alone"
EXAMPLE = "hanji benchmark out/bundle --runs 2000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument("--runs", type=int, default=1000, help="calls of each kind (default: 1000)")
    parser.add_argument(
        "-k", type=int, help="items or classes per answer (default: 10 items, or 5 classes of a classifier)"
    )


def run(args: argparse.Namespace) -> int:
    asked = {"engine": args.engine, "threads": args.threads, "runs": args.runs}
    if args.k is not None:
        asked["k"] = args.k
    if isinstance(open_bundle(args.bundle).manifest, ClassifierManifest):
        report: BenchmarkReport | ClassifierReport = benchmark_classifier(args.bundle, **asked)
    else:
        report = benchmark(args.bundle, **asked)
    if args.json:
        print_json({**asdict(report), "p50_ratio": report.p50_ratio})
    else:
        _print(report)
    return 0


def _print(report: BenchmarkReport | ClassifierReport) -> None:
    engine = report.engine
    print(f"{engine.name} {engine.version}, {report.artifact} {report.precision}, {engine.threads} thread(s)")
    if isinstance(report, ClassifierReport):
        print(f"{_picture(report.input)} to {report.classes:,} classes, {_turns(report)}")
        answer, latencies = (
            "classify",
            {
                "classify": report.classify,
                "engine alone": report.engine_alone,
                f"prepare {_picture(CAMERA)}": report.prepare,
            },
        )
    else:
        what = f"top {report.k} of {report.items:,} items, asked with {report.asked_with}"
        print(f"{what}, {_turns(report)}")
        answer, latencies = "recommend", {"recommend": report.recommend, "engine alone": report.engine_alone}
    print(f"open {report.open_ms:.1f} ms, first answer {report.first_answer_ms:.1f} ms")
    print_table([["ms", "p50", "p90", "p99"], *map(_row, latencies.items())], right=(1, 2, 3))
    print(f"{answer} / engine alone, p50: {report.p50_ratio:.3f}")


def _turns(report: BenchmarkReport | ClassifierReport) -> str:
    return f"{report.runs:,} calls of each kind in turns"


def _picture(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width} × {height} {'grey' if channels == 1 else 'RGB'}"


def _row(named: tuple[str, Latency]) -> list[str]:
    name, latency = named
    return [name, *(f"{value:.4f}" for value in asdict(latency).values())]
