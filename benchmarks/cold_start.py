"""Import, open and first call, compared with the bare engine, in alternating new processes.

    python benchmarks/cold_start.py [--pairs 15]

The bare engine's program imports it and numpy, loads the file from its path, allocates tensors and runs the
same input once, without verification, ids, ranking or classes. Both use one thread. Each program measures the
time from its first line to its result; the start of Python itself is not included and is the same for both.
The result is the median of the pairs' ratios, with minimum and maximum. `make demo` builds the bundles.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import expect_bundles, parser, save, spread, target_line

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
    """The duration that a program reports, in a fresh process with compiled modules, as after pip install."""
    command = [sys.executable, "-c", TIMED.format(program.strip())]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout.splitlines()[-1]) * 1e3


def programs(kind: str, engine: str) -> tuple[str, str]:
    """The programs of hanji and of the bare engine."""
    values = {
        "bundle": str(BUNDLES[kind]),
        "engine": engine,
        "signature": SIGNATURES[kind],
        "inputs": INPUTS[kind],
    }
    return HANJI[kind].format(**values), BARE[engine].format(**values)


def measure(kind: str, engine: str, pairs: int, bytecode: str) -> dict[str, object]:
    """Milliseconds of both programs and their ratio per pair."""
    both = programs(kind, engine)
    for program in both:
        milliseconds(program, bytecode)  # fills the file cache, writes the bytecode
    measured = [tuple(milliseconds(program, bytecode) for program in both) for _ in range(pairs)]
    ratio = spread([hanji / bare for hanji, bare in measured])
    name = f"{kind} in {engine}: cold start / bare engine's"
    line = target_line(name, ratio["median"], TARGET, at_most=True)
    hanji_ms, bare_ms = (statistics.median(column) for column in zip(*measured, strict=True))
    print(f"{line} [{ratio['min']:.2f}, {ratio['max']:.2f}]; {hanji_ms:.0f} and {bare_ms:.0f} ms", flush=True)
    return {
        "ratio": ratio,
        "hanji_ms": spread([hanji for hanji, _ in measured]),
        "bare_ms": spread([bare for _, bare in measured]),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pairs", type=int, default=15)
    args = options.parse_args()
    expect_bundles(BUNDLES.values())
    load = machine_state().load_average
    with tempfile.TemporaryDirectory() as bytecode:
        results = {
            f"{kind}-{engine}": measure(kind, engine, args.pairs, bytecode)
            for engine in BARE
            for kind in BUNDLES
        }
    save("cold-start", {"load_average": load, "pairs": args.pairs, "target": TARGET, **results})


if __name__ == "__main__":
    main()
