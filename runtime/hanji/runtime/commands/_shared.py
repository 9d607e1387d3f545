"""Arguments and output helpers shared by the device commands."""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Sequence

from hanji.runtime.engines.choice import ENGINE_KINDS
from hanji.runtime.engines.request import POLICIES, Request
from hanji.runtime.manifest import ImageData, Manifest
from hanji.runtime.opening import OpenOptions, checked_threads, requested
from hanji.runtime.terminal import print_lines, printable


def add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help="bundle directory written by hanji build or export")
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options that select an engine and an accelerator; ``open_options`` reads them."""
    parser.add_argument(
        "--engine",
        choices=("auto", *(kind.name for kind in ENGINE_KINDS)),
        default="auto",
        help="default: auto, the first installed engine that can run the bundle",
    )
    parser.add_argument("--threads", type=int, default=1, help="number of engine threads (default: 1)")
    parser.add_argument(
        "--delegate",
        metavar="LIBRARY",
        help="TFLite delegate library of an accelerator, such as libedgetpu.so.1",
    )
    parser.add_argument(
        "--delegate-option",
        action="append",
        default=[],
        type=_key_and_value,
        metavar="KEY=VALUE",
        help="a delegate option; may be repeated",
    )
    parser.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="NAME",
        help="an onnxruntime execution provider; may be repeated, in order of preference",
    )
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        default="warn",
        help="what to do if operators do not run where requested: fail, warn (default) or allow",
    )


def open_options(args: argparse.Namespace) -> OpenOptions:
    """The options of ``add_engine`` as keyword arguments of ``open``, in JSON-serializable types.

    HanjiError for a number of threads that is out of range.
    """
    return {
        "engine": args.engine,
        "threads": checked_threads(args.threads),
        "delegate": args.delegate,
        "delegate_options": dict(args.delegate_option),
        "providers": list(args.provider),
        "policy": args.policy,
    }


def requested_by(args: argparse.Namespace) -> Request:
    """The accelerator request from ``add_engine``'s options; HanjiError if they contradict each other."""
    return requested(open_options(args))


def _key_and_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, found {text!r}")
    return key, value


def print_table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print ``rows`` in aligned columns; the columns listed in ``right`` are right-aligned."""
    print_lines(*table_lines(rows, right=right))


def table_lines(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """One line per row, in aligned columns."""
    cleaned = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cleaned, strict=True)]
    lines = []
    for row in cleaned:
        cells = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - _width(cell))
            cells.append(padding + cell if index in right else cell + padding)
        lines.append("  ".join(cells).rstrip())
    return lines


def synthetic_note(manifest: Manifest) -> str:
    """A note if the model was trained on synthetic data only, else an empty string."""
    data = manifest.training_data
    real = "images" if isinstance(data, ImageData) else "ratings"
    return f"Trained on synthetic data ({data.name}), not on real {real}." if data.synthetic else ""


def _width(text: str) -> int:
    """Terminal columns: Hangul, kana and ideographs are two columns wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
