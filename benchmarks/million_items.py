"""Top 10 of a synthetic catalogue of a million items: time compared with reading its table once, and memory.

    python benchmarks/million_items.py

The model is a history model of 64 factors with random rows (their values do not affect time and memory),
exported as an ordinary TFLite bundle with 8-bit and 4-bit rows. A separate process opens the bundle and calls
recommend(); "reading the table" is a sum over as many bytes as the int8 table has, in the same process,
alternating with the calls.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from common import interleaved_us, parser, save, spread, target_line

ROOT = Path(__file__).parents[1]
FACTORS = 64
LENGTH = 50
ROUNDS = 5


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--items", type=int, default=1_000_000)
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-million-items")
    options.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.ask:
        print(json.dumps(measure(args.ask)))
        return
    result: dict[str, object] = {"items": args.items, "factors": FACTORS, "history": LENGTH}
    for scheme in ("int8-rows", "int4-rows"):
        bundle = args.out / f"{args.items}-{scheme}"
        if not bundle.exists():
            from untrained import export_untrained  # TensorFlow's memory would count where --ask measures

            export_untrained(bundle, args.items, scheme, embedding_size=FACTORS)
        rounds = [in_new_process(bundle) for _ in range(ROUNDS)]
        spreads = {name: spread([row[name] for row in rounds]) for name in rounds[0]}
        result[scheme] = spreads
        time_ratio, memory_ratio = spreads["recommend_over_reading"], spreads["resident_over_bundle"]
        print(f"{scheme}: bundle {spreads['bundle_bytes']['median']:,.0f} bytes")
        print(target_line("recommend() / reading the int8 table", time_ratio["median"], 1.5, at_most=True))
        print(target_line("resident memory / bundle", memory_ratio["median"], 1.3, at_most=True))
    save("million-items", result)


def in_new_process(bundle: Path) -> dict[str, float]:
    """The result of ``measure`` in a new process."""
    command = [sys.executable, __file__, "--ask", str(bundle)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(path: Path) -> dict[str, float]:
    """Times in milliseconds, and resident memory in bytes, without the memory of the imported engine."""
    import ai_edge_litert.interpreter  # noqa: F401 - so that its memory is not counted
    import numpy as np

    from hanji.runtime import Recommender

    empty = resident_bytes()
    with Recommender.open(path, engine="litert") as recommender:
        history = list(range(0, LENGTH * 1000, 1000))
        recommender.recommend(history=history)
        bundle_bytes = sum(file.bytes for file in recommender.manifest.all_files)
        resident = resident_bytes() - empty
        table = np.ones(len(recommender.items) * FACTORS // 8, np.int64)
        call = recommender.engine_call(history=history)
        calls = {
            "recommend_ms": lambda: recommender.recommend(history=history),
            "engine_ms": call,
            "reading_ms": table.sum,
        }
        times = {name: duration / 1e3 for name, duration in interleaved_us(calls, turns=60).items()}
    return {
        **times,
        "recommend_over_reading": times["recommend_ms"] / times["reading_ms"],
        "bundle_bytes": bundle_bytes,
        "resident_bytes": resident,
        "resident_over_bundle": resident / bundle_bytes,
    }


def resident_bytes() -> int:
    """This process's resident memory, as reported by Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


if __name__ == "__main__":
    main()
