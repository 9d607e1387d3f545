"""Builds that are killed, terminated or interrupted at random moments, and what the next run makes of them.

    python benchmarks/killed_builds.py --count 500

Each trial starts `hanji build` of a tiny recipe in a new output directory, or in one with the bundles of
another seed, sends SIGKILL to its process group, SIGTERM to the process or SIGINT to the group at a random
moment, and runs the command again. Expected are: after the signal, whole bundles or none, and none only where
there were none before; after the second run, every byte of OUT/bundle and OUT/full as an undisturbed build
writes them, and no leftover in the output or among the temporary files; for SIGTERM and SIGINT, one line and
exit code 1.

Builds are forks of this process, which has imported TensorFlow; that takes as long as a build. Their
imports are therefore not interrupted, except in one trial of ten, which starts a new Python.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common import parser, save

RECIPE = """\
name = "tiny"
[data]
format = "synthetic"
synthetic_users = 100
synthetic_items = 130
synthetic_interactions_per_user = 10
[model]
type = "history"
[training]
epochs = 2
[[compression]]
type = "quantize"
scheme = "int8-rows"
[export]
formats = ["tflite"]
"""
MODULES = (
    "tensorflow",
    "tf_keras",
    "ai_edge_litert.interpreter",
    "hanji.export.pipeline",
    "hanji.export.recommenders.task",
    "hanji.export.recommenders.writer",
    "hanji.export.recommenders.measure",
)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
FRESH = 0.1
"""The part of the trials that start a new Python."""
SECONDS = 300.0
"""Limit of one build."""


@dataclass
class Run:
    """A running or ended build: its exit code, minus the signal if one ended it, and what it printed."""

    pid: int
    log: Path
    started: float = field(default_factory=time.monotonic)
    began: float = field(default_factory=time.time)
    code: int | None = None

    def wait(self, until: float) -> bool:
        """Whether the build has ended by this moment of ``time.monotonic``."""
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= until:
                return False
            else:
                time.sleep(0.002)
        return True

    @property
    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


class Builds:
    """Builds below ``folder``, with the bundles of undisturbed ones to compare with."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.recipe, self.temporary = folder, folder / "tiny.toml", folder / "tmp"
        self.recipe.write_text(RECIPE)
        self.temporary.mkdir()
        seconds = []
        for seed in (0, 1):
            run = self.start(self.reference(seed), seed, fresh=False)
            if not run.wait(time.monotonic() + SECONDS) or run.code:
                sys.exit(f"an undisturbed build failed: {run.printed}")
            seconds.append(time.monotonic() - run.started)
        self.seconds = min(seconds)
        self.expected = {seed: contents(self.reference(seed)) for seed in (0, 1)}

    def reference(self, seed: int) -> Path:
        """The output of the undisturbed build."""
        return self.folder / f"undisturbed-{seed}"

    def start(self, out: Path, seed: int, *, fresh: bool) -> Run:
        """Start a build in a session of its own."""
        log = self.folder / "log.txt"
        command = ["build", str(self.recipe), "--out", str(out), "--seed", str(seed)]
        if fresh:
            environment = os.environ | {"TMPDIR": str(self.temporary)}
            program = [sys.executable, "-m", "hanji.runtime.cli", *command]
            with log.open("wb") as file:
                process = subprocess.Popen(
                    program, stdout=file, stderr=file, env=environment, start_new_session=True
                )
            return Run(process.pid, log)
        pid = os.fork()
        if pid == 0:
            self._build(command, log)
        return Run(pid, log)

    def _build(self, command: list[str], log: Path) -> None:
        """In the child: run the command and exit."""
        os.setsid()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(file, number)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)
        from hanji.runtime.cli import main

        code = 70
        try:
            code = main(command)
            sys.stdout.flush()
        finally:
            os._exit(code)


def contents(out: Path) -> dict[str, bytes]:
    """The files of the bundles of a build, by path."""
    parts = (out / "bundle", out / "full")
    files = [path for part in parts for path in part.rglob("*") if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def part_of(files: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    """The files of one of the bundles."""
    return {path: content for path, content in files.items() if path.startswith(f"{name}/")}


def trial(builds: Builds, out: Path, rng: random.Random) -> tuple[str, list[str]]:
    """One disturbed build and the next run: what disturbed it, and what is wrong."""
    fresh, with_previous, number = rng.random() < FRESH, rng.random() < 0.5, rng.choice(SIGNALS)
    if with_previous:
        shutil.copytree(builds.reference(1), out)
    run = builds.start(out, 0, fresh=fresh)
    seconds = builds.seconds + (12.0 if fresh else 0.0)
    if run.wait(time.monotonic() + rng.uniform(0.0, seconds)):
        kind = "ended before"
    else:
        kind = "after the report" if has_report(out, run) else number.name
        disturb(run, number)
    wrong = after(run, kind) + half_written(builds, out, with_previous)
    again = builds.start(out, 0, fresh=False)
    if not again.wait(time.monotonic() + SECONDS):
        os.killpg(again.pid, signal.SIGKILL)
        again.wait(time.monotonic() + SECONDS)
    if again.code:
        wrong.append(f"the next run failed: {again.printed[-300:]}")
    elif contents(out) != builds.expected[0]:
        wrong.append("other bytes")
    wrong += [f"leftover {path.name}" for path in leftovers(builds, out)]
    return kind, wrong


def has_report(out: Path, run: Run) -> bool:
    """Whether this run has written its report, which is the last thing that a build writes."""
    report = out / "report.md"
    return report.exists() and report.stat().st_mtime > run.began


def disturb(run: Run, number: signal.Signals) -> None:
    """Send the signal, and wait for the end."""
    with_group = number != signal.SIGTERM
    (os.killpg if with_group else os.kill)(run.pid, number)
    if not run.wait(time.monotonic() + SECONDS):
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(time.monotonic() + SECONDS)


def after(run: Run, kind: str) -> list[str]:
    """What is wrong with the end of a disturbed build."""
    if kind in ("ended before", "after the report", "SIGKILL"):
        return []
    wrong = []
    last = run.printed.strip().rpartition("\n")[2]
    if run.code == 0:
        wrong.append("lost")
    elif run.code == 1 and not last.startswith("hanji: error: interrupted"):
        wrong.append(f"another message: {run.printed[-500:]}")
    elif run.code not in (1, -signal.Signals[kind]):
        wrong.append(f"exit code {run.code}")
    for text in ("Exception ignored", "Traceback"):
        if text in run.printed:
            wrong.append(f"a traceback: {run.printed[run.printed.index(text) :][:2000]}")
            break
    return wrong


def half_written(builds: Builds, out: Path, with_previous: bool) -> list[str]:
    """The bundles that are not whole, or missing where there was one."""
    found, wrong = contents(out), []
    for name in ("bundle", "full"):
        allowed = [part_of(builds.expected[seed], name) for seed in (0, 1)]
        if part_of(found, name) not in (allowed if with_previous else [allowed[0], {}]):
            wrong.append(f"{name} is not whole")
    return wrong


def leftovers(builds: Builds, out: Path) -> list[Path]:
    """What is left of killed builds in the output and among the temporary files."""
    hidden = [path for path in out.rglob(".*") if path.name.startswith(".")]
    return [*hidden, *out.parent.glob(".*"), *builds.temporary.iterdir()]


def main(args: argparse.Namespace) -> None:
    """Run the trials, print and save the counts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
    for module in MODULES:
        importlib.import_module(module)
    rng, start = random.Random(args.seed), time.monotonic()  # noqa: S311 - the same moments again
    kinds: Counter[str] = Counter()
    failures: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="killed-builds-", dir=args.folder) as folder:
        builds = Builds(Path(folder))
        print(f"an undisturbed build takes {builds.seconds:.1f} s", flush=True)
        for index in range(args.count):
            if args.minutes is not None and time.monotonic() - start > args.minutes * 60:
                break
            out = Path(folder) / "out" / str(index)
            out.parent.mkdir(exist_ok=True)
            kind, wrong = trial(builds, out, rng)
            kinds[kind] += 1
            if wrong:
                failures.append({"trial": index, "disturbed by": kind, "wrong": wrong})
                print(f"trial {index}, {kind}: {'; '.join(wrong)}", flush=True)
            shutil.rmtree(out)
            if index % 20 == 19:
                print(f"{index + 1} trials: {dict(kinds)}, {len(failures)} failed", flush=True)
    total = sum(kinds.values())
    result: dict[str, object] = {
        "seed": args.seed,
        "trials": total,
        "by_disturbance": dict(sorted(kinds.items())),
        "failures": failures,
        "build_seconds": round(builds.seconds, 1),
    }
    save("killed-builds", result)
    print(f"{total} trials {dict(kinds)}: {len(failures)} failed")
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=500, help="number of disturbed builds (default: 500)")
    options.add_argument("--minutes", type=float, help="start no trial after this many minutes")
    options.add_argument("--seed", type=int, default=0, help="seed of the moments and signals (default: 0)")
    options.add_argument("--folder", type=Path, help="where the builds are written; default: a temporary one")
    main(options.parse_args())
