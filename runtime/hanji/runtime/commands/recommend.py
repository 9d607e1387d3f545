"""`hanji recommend`: the best items for a user."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    print_json,
    print_table,
    printable,
    synthetic_note,
)
from hanji.runtime.errors import HanjiError
from hanji.runtime.recommender import Recommender
from hanji.runtime.results import Recommendations

HELP = "recommend items to a user"
EXAMPLE = "hanji recommend out/bundle --user 196 -k 10 --exclude 242,302"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument("--user", required=True, metavar="ID", help="the user's own id")
    parser.add_argument("-k", type=int, default=10, help="how many items (default: 10)")
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="ID,ID",
        help="items to leave out; may be given several times",
    )
    parser.add_argument(
        "--exclude-file", type=Path, metavar="FILE", help="more of them, one id per line (UTF-8)"
    )


def run(args: argparse.Namespace) -> int:
    excluded = [own for ids in args.exclude for own in ids.split(",") if own]
    if args.exclude_file is not None:
        excluded += _lines(args.exclude_file)
    with Recommender.open(args.bundle, engine=args.engine, threads=args.threads) as recommender:
        answer = recommender.recommend(args.user, args.k, exclude=excluded)
        if args.json:
            print_json(_as_json(args.user, recommender, answer))
        else:
            _print(args.user, recommender, answer)
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except UnicodeDecodeError as error:
        raise HanjiError(f"{path}: expected UTF-8 text with one id per line: {error}") from None


def _print(user: str, recommender: Recommender, answer: Recommendations) -> None:
    engine = recommender.engine
    precision = recommender.artifact.precision
    print(printable(f"{len(answer)} items for user {user} ({engine.name} {engine.version}, {precision})"))
    for note in (synthetic_note(recommender.manifest), answer.note):
        if note:
            print(printable(note))
    score = "score" if answer.source == "model" else "interactions"
    rows = [["rank", "item", "title", "genres", score]]
    for row in answer:
        shown = f"{row.score:.4f}" if answer.source == "model" else f"{row.score:.0f}"
        rows.append([str(row.rank), str(row.item), row.title, ", ".join(row.genres), shown])
    print_table(rows, right=(0, 4))


def _as_json(user: str, recommender: Recommender, answer: Recommendations) -> dict[str, object]:
    return {
        "user": user,
        "bundle": recommender.manifest.name,
        "synthetic": recommender.manifest.training_data.synthetic,
        "engine": asdict(recommender.engine),
        "source": answer.source,
        "note": answer.note,
        "skipped": answer.skipped,
        "items": [row._asdict() for row in answer],
    }
