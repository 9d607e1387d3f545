"""`hanji compare`: the full model and compressed ones, over recipes and seeds, as HTML, CSV and JSON."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.runtime.terminal import print_json, print_lines

if TYPE_CHECKING:
    from hanji.studies.study import Study

HELP = "run every recipe of a study with every seed and compare them with the full model"
EXAMPLE = "hanji compare examples/study-digits.toml --out out/study-digits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the study, the data, the output directory and how its jobs run."""
    parser.add_argument("study", type=Path, metavar="STUDY", help="a study file (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data, unless it is built in")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output directory; default: out/study-NAME")
    parser.add_argument("--jobs", type=int, metavar="N", help="parallel jobs; default: one per core")
    parser.add_argument(
        "--shared",
        action="store_true",
        help="divide the jobs among all machines that run this command with this option and the same --out",
    )
    parser.add_argument(
        "--protocol",
        metavar="PROTOCOL",
        help="recommenders only: compare by the study's metric under this evaluation protocol, sampled or "
        "full; results of an earlier run are reused",
    )
    parser.add_argument("--json", action="store_true", help="print study.json")


def run(args: argparse.Namespace) -> int:
    """Run the study and write its results; 0 even if some recipes failed, which are rows of the results."""
    from hanji.runtime.errors import HanjiError
    from hanji.studies.study import read_study, with_protocol
    from hanji.training.commands.writing import disturbable
    from hanji.training.progress import show_progress

    show_progress()

    if args.jobs is not None and args.jobs < 1:
        raise HanjiError(f"--jobs: expected 1 or more, found {args.jobs}")
    study = read_study(args.study)
    if args.protocol is not None:
        study = with_protocol(study, args.protocol)
    out = args.out or Path("out") / f"study-{study.name}"

    with disturbable():
        table = _results(study, args, out)
    if args.json:
        print_json(table, None)
        return 0
    written = f"Page: {out / 'study.html'}   table: {out / 'study.csv'}   all numbers: {out / 'study.json'}"
    print_lines(*_lines(table), written)
    return 0


def _results(study: Study, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Run the study and return study.json, which this or another machine has written."""
    from hanji.studies.comparison import Comparison, compare
    from hanji.studies.files import study_table, write_study
    from hanji.studies.page.page import write_page
    from hanji.studies.shared_comparison import compare_shared

    def write(comparison: Comparison) -> dict[str, Any]:
        table = study_table(comparison, _command(args))
        write_study(table, out)
        write_page(table, out / "study.html")
        return table

    if args.shared:
        return compare_shared(study, data=args.data, out=out, jobs=args.jobs, write=write)
    return write(compare(study, data=args.data, out=out, jobs=args.jobs))


def _command(args: argparse.Namespace) -> str:
    """The command that reproduces the study, without paths of this machine."""
    data = ["--data", "DIR"] if args.data else []
    protocol = ["--protocol", args.protocol] if args.protocol else []
    return shlex.join(["hanji", "compare", args.study.name, *data, *protocol])


def _lines(table: dict[str, Any]) -> list[str]:
    metric, format = table["metric"]["name"], table["first_format"]
    widest = max(len(row["name"]) for row in table["rows"])
    lines = [_line(row, metric, format, widest) for row in table["rows"]]
    lines.append(f"{table['metric']['label']}: {table['data']['protocol']}")
    return lines + [_winner(budget) for budget in table["budgets"]]


def _line(row: dict[str, Any], metric: str, format: str, widest: int) -> str:
    name = row["name"].ljust(widest)
    if row["status"] == "failed":
        return f"{name}  FAILED: {row['reason']}"
    value, size = row["metrics"][metric], row["formats"][format]["bytes"]["mean"]
    spread = "" if value["sd"] is None else f" ± {value['sd']:.4f}"
    against = (row["against_full"] or {}).get(metric)
    difference = f"  {against['difference']:+.4f} (p {against['p_value']:.3f})" if against else ""
    return f"{name}  {metric} {value['mean']:.4f}{spread}  {size:>11,.0f} bytes{difference}"


def _winner(budget: dict[str, Any]) -> str:
    return f"Budget {budget['name']!r}: {budget['winner'] or 'no recipe: ' + budget['binds']}"
