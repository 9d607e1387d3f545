"""Resident memory over five million calls in one open session.

    python benchmarks/soak.py [--calls 5000000] [--sessions recommend-litert …]

Each session is a separate process that opens the demo's bundle (built by `make demo`), makes 10,000 warm-up
calls, then the rest, and reads its resident memory every 10,000 calls. The result is the difference between
maximum and minimum, as a fraction of the first value. Histories have 5 to 200 items, so the engine's buffers
change their size in nearly every call; images are noise. A session takes about 5 to 15 minutes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import expect_bundles, parser, save, target_line

from hanji.runtime import Classifier, Recommender
from hanji.runtime.benchmarks.recommender import histories

ROOT = Path(__file__).parents[1]
BUNDLES = {"recommend": ROOT / "out/demo/bundle", "classify": ROOT / "out/demo-digits/bundle"}
SESSIONS = ("recommend-litert", "classify-litert", "recommend-onnxruntime", "classify-onnxruntime")
WARM_UP = 10_000
EVERY = 10_000
INPUTS = 1000
MAX_RANGE = 0.01


def resident_bytes() -> int:
    """This process's resident memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def recommend_calls(engine: str) -> list[Callable[[], object]]:
    recommender = Recommender.open(BUNDLES["recommend"], engine=engine)
    queries, _ = histories(recommender.items.ids.values, INPUTS, seed=0)
    return [partial(recommender.recommend, **query) for query in queries]


def classify_calls(engine: str) -> list[Callable[[], object]]:
    classifier = Classifier.open(BUNDLES["classify"], engine=engine)
    images = np.random.default_rng(0).integers(0, 256, (INPUTS, *classifier.image_input.shape), np.uint8)
    return [partial(classifier.classify, image) for image in images]


def soak(session: str, calls: int) -> dict[str, object]:
    """Resident memory after the warm-up and after every ``EVERY`` calls."""
    kind, engine = session.split("-")
    functions = (recommend_calls if kind == "recommend" else classify_calls)(engine)
    for turn in range(WARM_UP):
        functions[turn % INPUTS]()
    samples = [resident_bytes()]
    start = time.perf_counter()
    for done in range(EVERY, calls + 1, EVERY):
        for turn in range(EVERY):
            functions[turn % INPUTS]()
        samples.append(resident_bytes())
        if done % 500_000 == 0:
            print(f"{session}: {done:,} calls, {samples[-1]:,} bytes", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - start
    return {
        "session": session,
        "calls": EVERY * (len(samples) - 1),
        "warm_up": WARM_UP,
        "seconds": seconds,
        "first_bytes": samples[0],
        "last_bytes": samples[-1],
        "min_bytes": min(samples),
        "max_bytes": max(samples),
        "range_over_first": (max(samples) - min(samples)) / samples[0],
        "every_500000_bytes": samples[::50],
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--calls", type=int, default=5_000_000)
    options.add_argument("--sessions", nargs="+", choices=SESSIONS, default=SESSIONS)
    options.add_argument("--in-this-process", action="store_true", help="run one session and print its JSON")
    args = options.parse_args()
    if args.in_this_process:
        print(json.dumps(soak(args.sessions[0], args.calls)))
        return
    expect_bundles(BUNDLES.values())
    sessions: dict[str, object] = {}
    for session in args.sessions:
        command = [sys.executable, __file__, "--in-this-process", "--sessions", session]
        done = subprocess.run(
            [*command, "--calls", str(args.calls)], check=True, stdout=subprocess.PIPE, text=True
        )
        result = json.loads(done.stdout.splitlines()[-1])
        sessions[session] = result
        save("soak", {"sessions": sessions})  # after each session, since they take minutes
        name = f"{session}: range of resident memory over {result['calls']:,} calls"
        print(target_line(name, result["range_over_first"], MAX_RANGE, at_most=True))


if __name__ == "__main__":
    main()
