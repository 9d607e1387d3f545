"""The runtime's overhead per call of `recommend` and `classify` over the engine's call, interleaved.

    python benchmarks/runtime_overhead.py [--rounds 9]

The engine is opened a second time with the same file and runs the same inputs through its own Python API,
with prepared inputs and without processing the output: LiteRT's signature runner, ONNX Runtime's session.run.
The calls alternate, with one thread, 2,000 inputs per round, in changing order. The runtime's overhead is the
median of the differences; the result is the median over the rounds, with minimum and maximum. The engine's
invoke without any Python is reported as well. `make demo` builds the bundles.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import expect_bundles, parser, save, spread, target_line

from hanji.runtime import Classifier, Recommender
from hanji.runtime.benchmarks.measuring import nanoseconds
from hanji.runtime.benchmarks.recommender import histories
from hanji.runtime.machine import machine_state

ROOT = Path(__file__).parents[1]
BUNDLES = {"recommend": ROOT / "out/demo/bundle", "classify": ROOT / "out/demo-digits/bundle"}
ENGINES = ("litert", "onnxruntime")
INPUTS = 2000
TARGET_US = 30
Call = Callable[[], object]


def engine_call(bundle: Path, engine: str, signature: str) -> Callable[..., object]:
    """The engine's Python call of one signature, with the bundle's file and one thread."""
    if engine == "litert":
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(str(bundle / "model.tflite"), num_threads=1).get_signature_runner(signature)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), options, providers=providers)
    return lambda **inputs: session.run(None, inputs)


def recommend_calls(engine: str) -> list[tuple[Call, Call, Call]]:
    """recommend(), the engine's Python call and its bare invoke, for each input."""
    recommender = Recommender.open(BUNDLES["recommend"], engine=engine)
    run_engine = engine_call(BUNDLES["recommend"], engine, "history")
    queries, _ = histories(recommender.items.ids.values, INPUTS, seed=0)
    index = recommender.items.ids.known_index_of
    inputs = [np.array([index(item) for item in query["history"]], np.int32) for query in queries]
    return [
        (
            partial(recommender.recommend, **query),
            partial(run_engine, history=history),
            recommender.engine_call(**query),
        )
        for query, history in zip(queries, inputs, strict=True)
    ]


def classify_calls(engine: str) -> list[tuple[Call, Call, Call]]:
    """The same for classify()."""
    classifier = Classifier.open(BUNDLES["classify"], engine=engine)
    run_engine = engine_call(BUNDLES["classify"], engine, "classify")
    samples = np.random.default_rng(0).integers(0, 256, (INPUTS, 1, *classifier.image_input.shape), np.uint8)
    return [
        (
            partial(classifier.classify, batch[0]),
            partial(run_engine, image=batch),
            classifier.engine_call(batch[0]),
        )
        for batch in samples
    ]


def one_round(calls: list[tuple[Call, Call, Call]]) -> dict[str, float]:
    """Medians in µs: of the runtime's call, of the engine's Python call, and of their difference."""
    pairs, bare = [], []
    for number, (call, run_engine, invoke) in enumerate(calls):
        if number % 2:
            pairs.append((nanoseconds(call), nanoseconds(run_engine)))
        else:
            pairs.append((nanoseconds(run_engine), nanoseconds(call))[::-1])
        bare.append(nanoseconds(invoke))  # runs the engine's latest inputs, which are the current ones
    columns = zip(*pairs, strict=True)
    call_us, engine_us = (statistics.median(column) / 1e3 for column in columns)
    return {
        "call_us": call_us,
        "engine_us": engine_us,
        "own_us": statistics.median([call - engine for call, engine in pairs]) / 1e3,
        "bare_invoke_us": statistics.median(bare) / 1e3,
    }


def measure(kind: str, engine: str, rounds: int) -> dict[str, object]:
    calls = (recommend_calls if kind == "recommend" else classify_calls)(engine)
    one_round(calls)  # warms up
    results = [one_round(calls) for _ in range(rounds)]
    spreads = {name: spread([result[name] for result in results]) for name in results[0]}
    overhead = spreads["own_us"]
    line = target_line(f"{kind} in {engine}: overhead, µs", overhead["median"], TARGET_US, at_most=True)
    medians = ", ".join(f"{name} {spreads[name]['median']:.1f}" for name in results[0])
    print(f"{line} [{overhead['min']:.1f}, {overhead['max']:.1f}]; {medians}", flush=True)
    return {**spreads}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=9)
    args = options.parse_args()
    expect_bundles(BUNDLES.values())
    load = machine_state().load_average
    results = {
        f"{kind}-{engine}": measure(kind, engine, args.rounds) for engine in ENGINES for kind in BUNDLES
    }
    settings = {"load_average": load, "rounds": args.rounds, "questions": INPUTS, "target_us": TARGET_US}
    save("runtime-overhead", settings | results)


if __name__ == "__main__":
    main()
