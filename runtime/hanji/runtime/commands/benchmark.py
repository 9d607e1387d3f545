"""`hanji benchmark`: how long a bundle takes to open and to answer here."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hanji.runtime.benchmark import benchmark
from hanji.runtime.commands._shared import add_bundle, add_engine, print_json, print_table

HELP = "time opening and answering, beside the engine alone"
EXAMPLE = "hanji benchmark out/bundle --runs 2000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument("--runs", type=int, default=1000, help="calls of each kind (default: 1000)")
    parser.add_argument("-k", type=int, default=10, help="items per answer (default: 10)")


def run(args: argparse.Namespace) -> int:
    report = benchmark(args.bundle, engine=args.engine, threads=args.threads, runs=args.runs, k=args.k)
    if args.json:
        print_json({**asdict(report), "p50_ratio": report.p50_ratio})
        return 0
    engine = report.engine
    print(f"{engine.name} {engine.version}, {report.artifact} {report.precision}, {engine.threads} thread(s)")
    asked = f"asked with {report.asked_with}"
    print(f"top {report.k} of {report.items:,} items, {asked}, {report.runs:,} calls of each kind in turns")
    print(f"open {report.open_ms:.1f} ms, first answer {report.first_answer_ms:.1f} ms")
    rows = [["ms", "p50", "p90", "p99"]]
    for name, latency in (("recommend", report.recommend), ("engine alone", report.engine_alone)):
        rows.append([name, *(f"{value:.4f}" for value in asdict(latency).values())])
    print_table(rows, right=(1, 2, 3))
    print(f"recommend / engine alone, p50: {report.p50_ratio:.3f}")
    return 0
