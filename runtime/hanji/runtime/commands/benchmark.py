"""`hanji benchmark`: measures a bundle on this device as a JSON document, or compares two documents."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hanji.runtime.benchmarks.compare import Comparison, compare
from hanji.runtime.benchmarks.protocol import Document, Settings, measure
from hanji.runtime.commands._shared import add_engine, open_options, print_table
from hanji.runtime.terminal import json_text, print_json, print_lines

HELP = "measure cold start, latency and memory of a bundle on this device, or compare two measurements"
EXAMPLE = "hanji benchmark out/bundle --out here.json\n  hanji benchmark --compare here.json there.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument(
        "bundle", metavar="BUNDLE", nargs="?", help="bundle directory written by hanji build or export"
    )
    mode.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A.json", "B.json"),
        help="compare two documents written by --out, as B divided by A",
    )
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON document to FILE")
    add_engine(parser)
    defaults = Settings()
    for name, default, text in (
        ("--runs", defaults.runs, "timed warm calls of each kind, over all processes"),
        ("--cold-starts", defaults.cold_starts, "fresh processes"),
        ("--warm-up", defaults.warm_up, "untimed calls before the timed ones, in each process"),
    ):
        parser.add_argument(name, type=int, default=default, help=f"{text} (default: {default})")
    parser.add_argument(
        "--instructions", action="store_true", help="also count instructions per call with valgrind (slow)"
    )
    parser.add_argument(
        "-k", type=int, help="items or classes per call (default: 10 items, or 5 classes of a classifier)"
    )


def run(args: argparse.Namespace) -> int:
    if args.compare:
        comparison = compare(*args.compare)
        document: Document = asdict(comparison)
        lines = _comparison_lines(comparison)
    else:
        settings = Settings(
            open_options(args),
            args.cold_starts,
            args.runs,
            args.warm_up,
            args.k,
            count_instructions=args.instructions,
        )
        document = measure(args.bundle, settings, progress=_log if sys.stderr.isatty() else None)
        lines = _document_lines(document)
    if args.out is not None:
        _write_atomically(args.out, json_text(document, 2) + "\n")
    if args.json:
        print_json(document)
    else:
        for line in lines:
            if isinstance(line, str):
                print_lines(line)
            else:
                print_table(line, right=range(1, len(line[0])))
    return 0


def _log(message: str) -> None:
    print_lines(message, to_stderr=True)


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


Table = list[list[str]]


def _document_lines(document: Document) -> Iterator[str | Table]:
    protocol, engine, bundle = document["protocol"], document["engine"], document["bundle"]
    model = f"{bundle['format']} {bundle['precision']}, {engine['threads']} thread(s)"
    yield f"{engine['engine']} {engine['version']}, {model}"
    choices = f"{bundle['items']:,} items" if bundle["items"] else f"{bundle['classes']:,} classes"
    calls = f"{protocol['runs']:,} interleaved calls of each kind"
    processes = f"{protocol['cold_starts']} fresh processes"
    yield f"top {protocol['k']} of {choices}, input: {protocol['input']}; {calls} in {processes}"
    yield from _machine_lines(document["machine"])
    yield from engine["fallbacks"]
    rows = [
        [
            name.removesuffix("_ms").replace("_", " "),
            *(f"{spread[key]:.1f}" for key in ("median", "min", "max")),
        ]
        for name, spread in document["cold_start"].items()
    ]
    yield [["cold start, ms", "median", "min", "max"], *rows]
    rows = [
        [name.replace("_", " "), *(f"{times[key]['pooled']:.4f}" for key in ("p50_ms", "p90_ms", "p99_ms"))]
        for name, times in document["warm"].items()
    ]
    yield [["warm, ms", "p50", "p90", "p99"], *rows]
    overhead = document["overhead"]
    ratio, outside = overhead["p50_ratio"]["median"], overhead["outside_engine_us"]["median"]
    call = next(iter(document["warm"]))
    yield f"{call} / engine alone, p50: {ratio:.3f}; outside the engine: {outside:.1f} µs"
    if "instructions" in document:
        counted = document["instructions"]
        shown = f"{counted[call]:,}, of which {counted['engine_alone']:,} in the engine"
        yield f"instructions per {call}: {shown} ({counted['counted_by']})"
    memory = document["memory"]
    megabytes = {
        name: "unknown" if spread is None else f"{spread['median'] / 1e6:.1f} MB"
        for name, spread in memory.items()
    }
    steady, peak = megabytes["steady_bytes"], megabytes["peak_bytes"]
    yield f"resident memory: {steady} steady state, {peak} peak"


def _machine_lines(machine: Document) -> Iterator[str]:
    names = [machine["board"], machine["cpu"], machine["architecture"]]
    yield ", ".join([*filter(None, names), f"{machine['logical_cores']} cores"])
    before, after = machine["before"], machine["after"]
    states = [("governor", machine["governor"])]
    for name, key in (("MHz", "frequency_mhz"), ("°C", "temperature_celsius"), ("load", "load_average")):
        if before[key] is not None and after[key] is not None:
            states.append((name, f"{before[key]:g} before, {after[key]:g} after"))
    yield "; ".join(f"{name} {value}" for name, value in states if value is not None)
    for when, state in (("before", before), ("after", after)):
        if state["throttling"] and state["throttling"]["now"]:
            yield f"throttled {when} the measurement: {', '.join(state['throttling']['now'])}"


def _comparison_lines(comparison: Comparison) -> Iterator[str | Table]:
    for difference in comparison.differences:
        yield f"{difference.what}: {_short(difference.a)} → {_short(difference.b)}"
    yield from comparison.warnings
    rows = [["B / A", "A", "B", "ratio", "range", ""]]
    for entry in comparison.ratios:
        spread = "" if entry.lowest is None else f"{entry.lowest:.3f}–{entry.highest:.3f}"
        note = {True: "within the spread", False: "", None: "spread unknown"}[entry.inside_spread]
        values = [f"{entry.a:.6g}", f"{entry.b:.6g}", f"{entry.ratio:.3f}", spread, note]
        rows.append([f"{entry.what} {entry.unit}".rstrip(), *values])
    yield rows


def _short(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False):.60}"
