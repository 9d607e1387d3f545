"""`hanji recipe`: explain a key of a recipe or study file."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from hanji.runtime.terminal import print_json, print_lines

if TYPE_CHECKING:
    from hanji.studies.recipe_reference import Key, Table

HELP = "explain a key of a recipe or study file: type, range, unit, default and meaning"
EXAMPLE = "hanji recipe training.epochs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the key."""
    parser.add_argument(
        "key",
        nargs="?",
        default="",
        metavar="KEY",
        help="a key (epochs), a table (training, compression.quantize) or both (training.epochs); without "
        "one, all tables are listed",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the entries; 1 with similar names if there are none."""
    from hanji.studies.recipe_reference import known_names, lookup, tables
    from hanji.training.errors import RecipeError

    found = lookup(args.key) if args.key else [(table, key) for table in tables() for key in table.keys]
    if not found:
        close = difflib.get_close_matches(args.key, known_names(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`hanji recipe` lists all of them"
        raise RecipeError(f"{args.key}: no key or table of that name; {hint}")
    if args.json:
        print_json([_row(table, key) for table, key in found], None)
    elif args.key:
        print_lines(*"\n\n".join(_entry(table, key) for table, key in found).split("\n"))
    else:
        print_lines(*"\n".join(_line(table) for table in tables()).split("\n"))
    return 0


def _row(table: Table, key: Key) -> dict[str, str]:
    return {"file": table.file, "table": table.title, "task": table.task, **asdict(key)}


def _entry(table: Table, key: Key) -> str:
    facts = [key.type.replace("`", ""), key.range, f"in {key.unit}" if key.unit else ""]
    facts.append("required" if key.default == "required" else f"default {key.default}")
    heading = f"{key.name}  —  {_where(table)}"
    meaning = textwrap.fill(key.meaning.replace("`", ""), 96, initial_indent="  ", subsequent_indent="  ")
    return f"{heading}\n  {', '.join(fact for fact in facts if fact)}\n{meaning}"


def _line(table: Table) -> str:
    keys = ", ".join(key.name for key in table.keys)
    return f"{_where(table)}\n{textwrap.fill(keys, 96, initial_indent='  ', subsequent_indent='  ')}"


def _where(table: Table) -> str:
    title = f"{table.file}, {table.title}" if table.title else f"{table.file}, top level"
    return f"{title} ({table.task})" if table.task else title
