"""`hanji classify`: what pictures show."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import asdict
from typing import Any

from hanji.runtime.classification import Classification
from hanji.runtime.classifier import Classifier
from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    open_options,
    print_json,
    print_table,
    printable,
    synthetic_note,
)
from hanji.runtime.errors import ImageError

HELP = "say what pictures show"
EXAMPLE = "hanji classify out/bundle photo.jpg another.png -k 3"

Answer = Classification | ImageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument("pictures", nargs="+", metavar="IMAGE", help="picture files, such as JPEG or PNG")
    parser.add_argument("-k", type=int, default=5, help="how many classes of each (default: 5)")
    parser.add_argument("--language", metavar="TAG", help="show the names of the classes in it, such as ko")


def run(args: argparse.Namespace) -> int:
    # Pillow's warnings are about files that are then refused, or read all the same.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with Classifier.open(args.bundle, **open_options(args)) as classifier:
        answers = [(path, _answer(classifier, path, args)) for path in args.pictures]
        if args.json:
            print_json(_as_json(classifier, answers))
        else:
            _print(classifier, answers)
    failed = [answer for _, answer in answers if isinstance(answer, ImageError)]
    if failed:
        more = f" ({len(failed)} of {len(answers)} pictures failed)" if len(answers) > 1 else ""
        raise ImageError(f"{failed[0]}{more}")
    return 0


def _answer(classifier: Classifier, path: str, args: argparse.Namespace) -> Answer:
    """One picture that cannot be read does not keep the others from being classified."""
    try:
        return classifier.classify(path, args.k, language=args.language)
    except ImageError as error:
        return error


def _print(classifier: Classifier, answers: list[tuple[str, Answer]]) -> None:
    engine, precision = classifier.engine, classifier.artifact.precision
    print(printable(f"{classifier.manifest.name} ({engine.name} {engine.version}, {precision})"))
    note = synthetic_note(classifier.manifest)
    if note:
        print(printable(note))
    measure = "output" if classifier.manifest.probabilities.source == "none" else "probability"
    for path, answer in answers:
        print(f"\n{printable(path)}")
        if isinstance(answer, ImageError):
            print(printable(f"not classified: {answer}"))
            continue
        rows = [[str(row.rank), row.name, f"{row.probability:.4f}"] for row in answer]
        print_table([["rank", "class", measure], *rows], right=(0, 2))


def _as_json(classifier: Classifier, answers: list[tuple[str, Answer]]) -> dict[str, Any]:
    return {
        "bundle": classifier.manifest.name,
        "synthetic": classifier.manifest.training_data.synthetic,
        "engine": asdict(classifier.engine),
        "pictures": [
            {"picture": path, "error": str(answer)}
            if isinstance(answer, ImageError)
            else {"picture": path, "classes": [row._asdict() for row in answer]}
            for path, answer in answers
        ],
    }
