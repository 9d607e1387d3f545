"""`hanji classify`: classifies image files."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import asdict
from typing import Any

from hanji.runtime.classification import Answer, Classification, answer_table
from hanji.runtime.classifier import Classifier
from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    open_options,
    print_table,
    synthetic_note,
)
from hanji.runtime.errors import ImageError
from hanji.runtime.terminal import print_json, print_lines

HELP = "classify image files"
EXAMPLE = "hanji classify out/bundle photo.jpg another.png -k 3"

Result = Answer | ImageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument("pictures", nargs="+", metavar="IMAGE", help="image files, such as JPEG or PNG")
    parser.add_argument("-k", type=int, default=5, help="most classes per image (default: 5)")
    parser.add_argument("--language", metavar="TAG", help="language of the class names, such as ko")


def run(args: argparse.Namespace) -> int:
    # Pillow warns about files that it then rejects, or reads anyway.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with Classifier.open(args.bundle, **open_options(args)) as classifier:
        results = [(path, _classify(classifier, path, args)) for path in args.pictures]
        if args.json:
            print_json(_as_json(classifier, results))
        else:
            _print(classifier, results)
    failed = [result for _, result in results if isinstance(result, ImageError)]
    if failed:
        counts = f" ({len(failed)} of {len(results)} images failed)" if len(results) > 1 else ""
        raise ImageError(f"{failed[0]}{counts}")
    return 0


def _classify(classifier: Classifier, path: str, args: argparse.Namespace) -> Result:
    """Return the error instead of raising it: one unreadable image must not stop the others."""
    try:
        return classifier.answer(path, args.k, language=args.language)
    except ImageError as error:
        return error


def _print(classifier: Classifier, results: list[tuple[str, Result]]) -> None:
    engine, precision = classifier.engine, classifier.artifact.precision
    name, note = classifier.manifest.name, synthetic_note(classifier.manifest)
    print_lines(f"{name} ({engine.name} {engine.version}, {precision})", *filter(None, [note]))
    measure = "output" if classifier.manifest.probabilities.source == "none" else "probability"
    for path, result in results:
        print_lines("", path)
        if isinstance(result, ImageError):
            print_lines(f"not classified: {result}")
            continue
        if not isinstance(result, Classification):
            print_table([[row.name, f"{row.value:.6g}", row.unit] for row in result], right=(1,))
            continue
        rows = [[str(row.rank), row.name, f"{row.probability:.4f}"] for row in result]
        print_table([["rank", "class", measure], *rows], right=(0, 2))
        if not rows:
            print_lines("no label reaches its threshold")


def _as_json(classifier: Classifier, results: list[tuple[str, Result]]) -> dict[str, Any]:
    return {
        "bundle": classifier.manifest.name,
        "synthetic": classifier.manifest.training_data.synthetic,
        "engine": asdict(classifier.engine),
        "pictures": [
            {"picture": path, "error": str(result)}
            if isinstance(result, ImageError)
            else {"picture": path, **answer_table(result)}
            for path, result in results
        ],
    }
