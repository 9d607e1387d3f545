"""Import, open and first answer beside the bare engine with the same file: fresh processes that take turns.

    python benchmarks/cold_start.py [--pairs 15]

The bare engine imports itself and numpy, loads the file from its path, makes its tensors ready and answers
the same question once; nothing is verified, no ids, no ranking, no classes. Both use one thread. Each program
times itself from its first line to its answer; what Python itself takes to start comes before and is the same
for both. Quoted is the median of the pairs' ratios, with the smallest and largest. `make demo` builds the
bundles.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import expect_bundles, parser, save, spread, verdict

from hanji.runtime.machine import machine_state

ROOT = Path(__file__).parents[1]
BUNDLES = {"recommend": ROOT / "out/demo/bundle", "classify": ROOT / "out/demo-digits/bundle"}
TARGET = 1.5
TIMED = """
import time
start = time.perf_counter()
{}
print(time.perf_counter() - start)
"""
HANJI = {
    "recommend": """
from hanji.runtime import Recommender
recommender = Recommender.open({bundle!r}, engine={engine!r})
recommender.recommend(history=[7, 31, 190])
""",
    "classify": """
import numpy
from hanji.runtime import Classifier
classifier = Classifier.open({bundle!r}, engine={engine!r})
classifier.classify(numpy.zeros((8, 8, 1), numpy.uint8))
""",
}
INPUTS = {
    "recommend": "history=numpy.array([7, 31, 190], numpy.int32)",
    "classify": "image=numpy.zeros((1, 8, 8, 1), numpy.uint8)",
}
SIGNATURES = {"recommend": "history", "classify": "classify"}
BARE = {
    "litert": """
import numpy
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter({bundle!r} + "/model.tflite", num_threads=1)
interpreter.allocate_tensors()
interpreter.get_signature_runner({signature!r})({inputs})
""",
    "onnxruntime": """
import numpy
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(
    {bundle!r} + "/model.onnx", options, providers=["CPUExecutionProvider"]
)
session.run(None, dict({inputs}))
""",
}


def milliseconds(program: str, bytecode: str) -> float:
    """What a program says it took, in a fresh process that finds its modules compiled, as pip leaves them."""
    command = [sys.executable, "-c", TIMED.format(program.strip())]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout.splitlines()[-1]) * 1e3


def programs(kind: str, engine: str) -> tuple[str, str]:
    """hanji's and the bare engine's."""
    values = {
        "bundle": str(BUNDLES[kind]),
        "engine": engine,
        "signature": SIGNATURES[kind],
        "inputs": INPUTS[kind],
    }
    return HANJI[kind].format(**values), BARE[engine].format(**values)


def measure(kind: str, engine: str, pairs: int, bytecode: str) -> dict[str, object]:
    """Milliseconds of both and their ratio, pair by pair."""
    both = programs(kind, engine)
    for program in both:
        milliseconds(program, bytecode)  # fills the file cache, writes the bytecode
    measured = [tuple(milliseconds(program, bytecode) for program in both) for _ in range(pairs)]
    ratio = spread([ours / engines for ours, engines in measured])
    line = verdict(f"{kind} in {engine}: cold start / bare engine's", ratio["median"], TARGET, at_most=True)
    ours_ms, engines_ms = (statistics.median(column) for column in zip(*measured, strict=True))
    print(
        f"{line} [{ratio['min']:.2f}, {ratio['max']:.2f}]; {ours_ms:.0f} and {engines_ms:.0f} ms", flush=True
    )
    return {
        "ratio": ratio,
        "hanji_ms": spread([ours for ours, _ in measured]),
        "bare_ms": spread([engines for _, engines in measured]),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pairs", type=int, default=15)
    args = options.parse_args()
    expect_bundles(BUNDLES.values())
    load = machine_state().load_average
    with tempfile.TemporaryDirectory() as bytecode:
        found = {
            f"{kind}-{engine}": measure(kind, engine, args.pairs, bytecode)
            for engine in BARE
            for kind in BUNDLES
        }
    save("cold-start", {"load_average": load, "pairs": args.pairs, "target": TARGET, **found})


if __name__ == "__main__":
    main()
