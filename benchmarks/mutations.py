"""10,000 mutated bundles: none may crash the runtime, hang it for 5 s, or be accepted.

    python benchmarks/mutations.py [BUNDLE …] [--count 10000] [--seed 0] [--models [--in-process]]

Bundles default to those of `make demo`. Bits are flipped, bytes cut, files swapped; manifests get other
types, sizes and paths, with and without valid checksums; files become links, pipes and devices. A mutated
bundle is opened, called and self-tested in a separate process, whose exit is observed. It counts as accepted
if it opens and its results differ from the original's, or if files were damaged and a check of all files
finds nothing. If other JSON files are changed and every checksum is updated, the result is another valid
bundle: it must not crash or hang, and counts as well-formed if it opens and its results differ. Bundles
contain no archives, so there are no zip bombs. With --models, fields of the model files are changed instead,
and the bundles are opened with ``isolated``: no change may end the process that opens one. With --in-process
as well, they are opened without it: what ends that process is what the checks before an engine let through.

Finished batches are kept in out/benchmark-mutations, from which an interrupted run resumes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import parser, save, target_line

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("mutate_bundle.py")
DAMAGE = Path(__file__).with_name("damage.py")
DEFAULTS = (ROOT / "out/demo/bundle", ROOT / "out/demo-digits/bundle")
BATCH = 250
MAX_SECONDS = 5.0
MAX_MEGABYTES = 512
MAX_MODEL_SECONDS = 30.0  # more than the limit of the process that tests a model first
START_SECONDS = 120.0  # for importing the engines in a new process, on a busy machine

Row = dict[str, Any]


def main() -> None:
    args = arguments()
    rows: list[Row] = []
    count = -(-args.count // len(args.bundles))
    for bundle in args.bundles:
        rows += mutations_of(bundle, args.seed, count, args.work, mode_of(args))
    result = summary(rows)
    if args.out is not None:
        args.out.write_text(json.dumps(result), encoding="utf-8")
    else:
        save("_".join(["mutations", *mode_of(args)]).replace("-", "_"), {"seed": args.seed, **result})
    for name in ("crashed", "hung", "accepted"):
        print(target_line(f"of {len(rows)} mutated bundles {name}", result[name], 0, at_most=True))
    memory = result["peak_megabytes"]
    print(target_line("megabytes of the process that opens bundles", memory, MAX_MEGABYTES, at_most=True))
    for row in result["faults"]:
        print(json.dumps(row))


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("bundles", nargs="*", type=Path, default=list(DEFAULTS), metavar="BUNDLE")
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--models", action="store_true", help="change the fields of model files")
    options.add_argument("--in-process", action="store_true", help="with --models: open without isolated")
    options.add_argument("--work", type=Path, default=ROOT / "out/benchmark-mutations", metavar="DIR")
    options.add_argument(
        "--out", type=Path, metavar="FILE", help="write the result to FILE instead of results/"
    )
    args = options.parse_args()
    if args.in_process and not args.models:
        options.error("--in-process goes with --models")
    return args


def mode_of(args: argparse.Namespace) -> list[str]:
    return [name for name in ("models", "in-process") if getattr(args, name.replace("-", "_"))]


def mutations_of(bundle: Path, seed: int, count: int, work: Path, mode: list[str]) -> list[Row]:
    """One row per mutation, from finished batches of an earlier run and from new ones."""
    work.mkdir(parents=True, exist_ok=True)
    programs = [WORKER, DAMAGE, WORKER.with_name("model_fields.py")]
    tested = [*sorted(ROOT.glob("runtime/hanji/runtime/**/*.py")), *programs, bundle / "manifest.json"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in tested)).hexdigest()[:16]
    rows = []
    for first in range(0, count, BATCH):
        end = min(first + BATCH, count)
        done = work / f"{'-'.join([key, *mode])}-{seed}-{first}-{end}.json"
        if not done.exists():
            partial = done.with_suffix(".part")
            partial.write_text(json.dumps(list(batch(bundle, seed, first, end, mode))), encoding="utf-8")
            partial.rename(done)
        rows += json.loads(done.read_text(encoding="utf-8"))
        print(f"{bundle}: {end} of {count}", flush=True)
    return rows


def batch(bundle: Path, seed: int, first: int, end: int, mode: list[str]) -> Iterator[Row]:
    """The rows of mutations ``first`` to ``end``; starts a new process after one has ended early."""
    while first < end:
        for row in process(bundle, seed, first, end, mode):
            yield {"bundle": bundle.parent.name, **row}
            first = row["number"] + 1


def process(bundle: Path, seed: int, first: int, end: int, mode: list[str]) -> Iterator[Row]:
    """The rows of one process, until it ends."""
    command = [sys.executable, str(WORKER), str(bundle), *map(str, (seed, first, end)), *mode]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stream = Lines(worker)
    limit_s = MAX_MODEL_SECONDS if mode else MAX_SECONDS
    if stream.next(START_SECONDS) is None:
        worker.kill()
        sys.exit(f"{bundle}: the process did not start:\n{worker.communicate()[1].decode()[-2000:]}")
    try:
        for _ in range(first, end):
            mutation = stream.next(limit_s)
            if mutation is None:
                sys.exit(f"{bundle}: creating a mutation failed:\n{worker.communicate()[1].decode()[-2000:]}")
            # Twice the limit, to allow for other load on the machine; the process measures its own time.
            outcome = stream.next(2 * limit_s)
            if outcome is None:
                result = "hung" if worker.poll() is None else "crashed"
                yield mutation | {"result": result, "detail": f"exit code {worker.poll()}", "seconds": None}
                return
            if outcome["seconds"] > limit_s:
                outcome["result"] = "hung"
            yield mutation | outcome
    finally:
        worker.kill()
        worker.communicate()


class Lines:
    """Lines of JSON from a process, with a timeout for each."""

    def __init__(self, worker: subprocess.Popen[bytes]) -> None:
        assert worker.stdout is not None  # noqa: S101 - it is a pipe
        self._stream = worker.stdout
        self._buffer = b""

    def next(self, seconds: float) -> Row | None:
        """The next line; None after the timeout or at the end of the stream."""
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._stream], [], [], seconds)
            content = self._stream.read1() if ready else b""
            if not content:
                return None
            self._buffer += content
        line, self._buffer = self._buffer.split(b"\n", 1)
        row: Row = json.loads(line)
        return row


def summary(rows: list[Row]) -> dict[str, Any]:
    """Counts of the outcomes by mutation, and all failures with their numbers."""
    results = Counter(row["result"] for row in rows)
    table: dict[str, Counter[str]] = {}
    for row in rows:
        table.setdefault(row["mutation"], Counter())[row["result"]] += 1
    faults = [row for row in rows if row["result"] in ("crashed", "hung", "accepted")]
    return {
        "mutations": len(rows),
        **{name: results[name] for name in ("refused", "same", "well-formed", "crashed", "hung", "accepted")},
        "longest_seconds": max(row["seconds"] or 0 for row in rows),
        "peak_megabytes": max(row.get("megabytes", 0) for row in rows),
        "by_mutation": {name: dict(counts) for name, counts in sorted(table.items())},
        "faults": faults[:50],
    }


if __name__ == "__main__":
    main()
