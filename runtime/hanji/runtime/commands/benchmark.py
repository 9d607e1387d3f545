"""`hanji benchmark`: how a bundle starts and answers here, as a document that can be compared."""

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
from hanji.runtime.commands._shared import add_engine, open_options, print_json, print_table, printable

HELP = "measure how a bundle starts and answers here, or compare two such measurements"
EXAMPLE = "hanji benchmark out/bundle --out here.json\n  hanji benchmark --compare here.json there.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "bundle", metavar="BUNDLE", nargs="?", help="the directory that hanji build or export wrote"
    )
    what.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A.json", "B.json"),
        help="compare two documents that were written before, B over A",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON document to FILE, too")
    add_engine(parser)
    plain = Settings()
    for name, default, text in (
        ("--runs", plain.runs, "warm calls of each kind, shared out over the processes"),
        ("--cold-starts", plain.cold_starts, "fresh processes"),
        ("--warm-up", plain.warm_up, "calls before the warm ones, in each process"),
    ):
        parser.add_argument(name, type=int, default=default, help=f"{text} (default: {default})")
    parser.add_argument(
        "--instructions", action="store_true", help="count a call's instructions, too, with valgrind (slow)"
    )
    parser.add_argument(
        "-k", type=int, help="items or classes per answer (default: 10 items, or 5 classes of a classifier)"
    )


def run(args: argparse.Namespace) -> int:
    if args.compare:
        comparison = compare(*args.compare)
        found: Document = asdict(comparison)
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
        found = measure(args.bundle, settings, progress=_say if sys.stderr.isatty() else None)
        lines = _document_lines(found)
    if args.out is not None:
        _write_aside(args.out, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    if args.json:
        print_json(found)
    else:
        for line in lines:
            if isinstance(line, str):
                print(printable(line))
            else:
                print_table(line, right=range(1, len(line[0])))
    return 0


def _say(what: str) -> None:
    print(what, file=sys.stderr)


def _write_aside(path: Path, text: str) -> None:
    """The whole file or none: written under another name first."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


Table = list[list[str]]


def _document_lines(document: Document) -> Iterator[str | Table]:
    protocol, engine, bundle = document["protocol"], document["engine"], document["bundle"]
    said = f"{bundle['format']} {bundle['precision']}, {engine['threads']} thread(s)"
    yield f"{engine['engine']} {engine['version']}, {said}"
    choices = f"{bundle['items']:,} items" if bundle["items"] else f"{bundle['classes']:,} classes"
    calls = f"{protocol['runs']:,} calls of each kind in turns, in {protocol['cold_starts']} fresh processes"
    yield f"top {protocol['k']} of {choices}, asked with {protocol['input']}, {calls}"
    yield from _machine_lines(document["machine"])
    yield from engine["fallbacks"]
    cold = {name.removesuffix("_ms").replace("_", " "): one for name, one in document["cold_start"].items()}
    rows = [[name, *(f"{one[key]:.1f}" for key in ("median", "min", "max"))] for name, one in cold.items()]
    yield [["cold start, ms", "median", "min", "max"], *rows]
    rows = [
        [name.replace("_", " "), *(f"{one[key]['pooled']:.4f}" for key in ("p50_ms", "p90_ms", "p99_ms"))]
        for name, one in document["warm"].items()
    ]
    yield [["warm, ms", "p50", "p90", "p99"], *rows]
    overhead = document["overhead"]
    ratio, outside = overhead["p50_ratio"]["median"], overhead["outside_engine_us"]["median"]
    call = next(iter(document["warm"]))
    yield f"{call} / engine alone, p50: {ratio:.3f}; outside the engine: {outside:.1f} µs"
    if "instructions" in document:
        counted = document["instructions"]
        shown = f"{counted[call]:,}, of which the engine {counted['engine_alone']:,}"
        yield f"instructions of {call}: {shown} ({counted['counted_by']})"
    memory = document["memory"]
    megabytes = {
        name: "unknown" if one is None else f"{one['median'] / 1e6:.1f} MB" for name, one in memory.items()
    }
    steady, peak = megabytes["steady_bytes"], megabytes["peak_bytes"]
    yield f"resident memory: {steady} steady, {peak} at its peak"


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
            yield f"held back {when} the measurement: {', '.join(state['throttling']['now'])}"


def _comparison_lines(comparison: Comparison) -> Iterator[str | Table]:
    for difference in comparison.differences:
        yield f"{difference.what}: {_short(difference.a)} → {_short(difference.b)}"
    yield from comparison.warnings
    rows = [["B / A", "A", "B", "ratio", "between", ""]]
    for one in comparison.ratios:
        spread = "" if one.lowest is None else f"{one.lowest:.3f}–{one.highest:.3f}"
        words = {True: "inside the spread", False: "", None: "spread unknown"}[one.inside_spread]
        values = [f"{one.a:.6g}", f"{one.b:.6g}", f"{one.ratio:.3f}", spread, words]
        rows.append([f"{one.what} {one.unit}".rstrip(), *values])
    yield rows


def _short(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False):.60}"
