"""`hanji recommend`: the top items for a user or a history."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    open_options,
    synthetic_note,
    table_lines,
)
from hanji.runtime.errors import HanjiError
from hanji.runtime.recommender import Recommender
from hanji.runtime.results import Item, Recommendation, Recommendations
from hanji.runtime.terminal import print_json, print_lines

HELP = "recommend items for a user id or an interaction history"
EXAMPLE = (
    "hanji recommend out/bundle --user 196 -k 10 --exclude 242,302\n"
    "  hanji recommend out/bundle --history 242,302,51 --why"
)
_REASONS = 3
_LONGEST = 2**24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    query = parser.add_mutually_exclusive_group(required=True)
    query.add_argument("--user", metavar="ID", help="id of a user in the training data")
    query.add_argument("--history", metavar="ID,ID", help="item ids of the user's history, oldest first")
    query.add_argument(
        "--history-file", type=Path, metavar="FILE", help="the history as a file, one id per line (UTF-8)"
    )
    parser.add_argument("-k", type=int, default=10, help="number of items (default: 10)")
    parser.add_argument("--include-seen", action="store_true", help="also recommend items of the history")
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="ID,ID",
        help="item ids to exclude; may be repeated",
    )
    parser.add_argument(
        "--exclude-file", type=Path, metavar="FILE", help="more item ids to exclude, one per line (UTF-8)"
    )
    parser.add_argument("--genre", metavar="NAME", help="recommend only items of this genre")
    parser.add_argument(
        "--diversity",
        type=float,
        default=0.0,
        metavar="X",
        help="genre diversity, from 0 (off, the default) to below 1",
    )
    parser.add_argument(
        "--why",
        action="store_true",
        help=f"show up to {_REASONS} history items that explain each recommendation",
    )


def run(args: argparse.Namespace) -> int:
    excluded = [item for ids in args.exclude for item in _split(ids)]
    if args.exclude_file is not None:
        excluded += _lines(args.exclude_file)
    history = _history(args)
    with Recommender.open(args.bundle, **open_options(args)) as recommender:
        result = recommender.recommend(
            args.user,
            args.k,
            history=history,
            exclude_seen=not args.include_seen,
            exclude=excluded,
            filter=None if args.genre is None else _has_genre(args.genre, recommender),
            diversity=args.diversity,
            explain=_REASONS if args.why else 0,
        )
        if args.json:
            print_json(_as_json(args, history, recommender, result))
        else:
            target = f"user {args.user}" if history is None else f"a history of {len(history)}"
            _print(target, recommender, result)
    return 0


def _history(args: argparse.Namespace) -> list[str] | None:
    if args.history_file is not None:
        return _lines(args.history_file)
    return None if args.history is None else _split(args.history)


def _split(ids: str) -> list[str]:
    return [stripped for item in ids.split(",") if (stripped := item.strip())]


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_LONGEST)
    except UnicodeDecodeError as error:
        raise HanjiError(f"{path}: expected UTF-8 text with one id per line: {error}") from None
    if len(text) == _LONGEST:
        raise HanjiError(f"{path}: expected fewer than {_LONGEST:,} characters")
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


def _has_genre(name: str, recommender: Recommender) -> Callable[[Item], bool]:
    known = sorted({genre for genres in set(recommender.items.genres) for genre in genres})
    if name not in known:
        shown = ", ".join(known[:30]) + (", …" if len(known) > 30 else "")
        raise HanjiError(f"--genre: expected one of the bundle's genres ({shown}), found {name!r}")
    return lambda item: name in item.genres


def _print(target: str, recommender: Recommender, result: Recommendations) -> None:
    engine = recommender.engine
    precision = recommender.artifact.precision
    print_lines(
        f"{len(result)} items for {target} ({engine.name} {engine.version}, {precision})",
        *filter(None, (synthetic_note(recommender.manifest), result.note)),
    )
    score = "score" if result.source == "model" else "interactions"
    rows = [["rank", "item", "title", "genres", score]]
    for row in result:
        shown = f"{row.score:.4f}" if result.source == "model" else f"{row.score:.0f}"
        rows.append([str(row.rank), str(row.item), row.title, ", ".join(row.genres), shown])
    head, *lines = table_lines(rows, right=(0, 4))
    print_lines(head)
    for line, row in zip(lines, result, strict=True):
        print_lines(line)
        if row.why:
            reasons = ", ".join(f"{reason.title} ({reason.share:.0%})" for reason in row.why)
            print_lines(f"      because of {reasons}")


def _as_json(
    args: argparse.Namespace, history: list[str] | None, recommender: Recommender, result: Recommendations
) -> dict[str, Any]:
    return {
        "user": args.user,
        "history": history,
        "bundle": recommender.manifest.name,
        "synthetic": recommender.manifest.training_data.synthetic,
        "engine": asdict(recommender.engine),
        "source": result.source,
        "note": result.note,
        "skipped": result.skipped,
        "items": [_row_as_json(row) for row in result],
    }


def _row_as_json(row: Recommendation) -> dict[str, Any]:
    return {**row._asdict(), "why": [reason._asdict() for reason in row.why]}
