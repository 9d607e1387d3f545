"""The runtime's own time per call of `recommend` and `classify`, beside the engine's, in one interleaved run.

    python benchmarks/runtime_overhead.py [--rounds 9]

The engine is opened a second time on the same file and asked the same questions through its own Python call,
with inputs that are ready and an output that is left as it is: LiteRT's signature runner, ONNX Runtime's
session.run. Both take turns, one thread, 2,000 questions a round, the order changing from one to the next.
The runtime's own time is the median of the differences; quoted is the median over the rounds, with the
smallest and largest. Beside it stands the engine's invoke alone, without any Python. `make demo` builds the
bundles.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import expect_bundles, parser, save, spread, verdict

from hanji.runtime import Classifier, Recommender
from hanji.runtime.benchmarks.recommender import histories
from hanji.runtime.benchmarks.timing import nanoseconds
from hanji.runtime.machine import machine_state

ROOT = Path(__file__).parents[1]
BUNDLES = {"recommend": ROOT / "out/demo/bundle", "classify": ROOT / "out/demo-digits/bundle"}
ENGINES = ("litert", "onnxruntime")
QUESTIONS = 2000
TARGET_US = 30
Call = Callable[[], object]


def engine_call(bundle: Path, engine: str, signature: str) -> Callable[..., object]:
    """The engine's own call of one signature, on the bundle's file, one thread."""
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
    """recommend(), the engine's own call and its bare invoke, for each question."""
    recommender = Recommender.open(BUNDLES["recommend"], engine=engine)
    own = engine_call(BUNDLES["recommend"], engine, "history")
    asked, _ = histories(recommender.items.ids.values, QUESTIONS, seed=0)
    index = recommender.items.ids.known_index_of
    inputs = [np.array([index(item) for item in question["history"]], np.int32) for question in asked]
    return [
        (
            partial(recommender.recommend, **question),
            partial(own, history=one),
            recommender.engine_call(**question),
        )
        for question, one in zip(asked, inputs, strict=True)
    ]


def classify_calls(engine: str) -> list[tuple[Call, Call, Call]]:
    """The same of classify()."""
    classifier = Classifier.open(BUNDLES["classify"], engine=engine)
    own = engine_call(BUNDLES["classify"], engine, "classify")
    samples = np.random.default_rng(0).integers(
        0, 256, (QUESTIONS, 1, *classifier.image_input.shape), np.uint8
    )
    return [
        (partial(classifier.classify, one[0]), partial(own, image=one), classifier.engine_call(one[0]))
        for one in samples
    ]


def one_round(calls: list[tuple[Call, Call, Call]]) -> dict[str, float]:
    """Medians in µs: of the whole call, of the engine's own, and of what lies between."""
    pairs, bare = [], []
    for number, (whole, own, invoke) in enumerate(calls):
        if number % 2:
            pairs.append((nanoseconds(whole), nanoseconds(own)))
        else:
            pairs.append((nanoseconds(own), nanoseconds(whole))[::-1])
        bare.append(nanoseconds(invoke))  # answers the engine's latest question, which is this one
    columns = zip(*pairs, strict=True)
    whole_us, engine_us = (statistics.median(column) / 1e3 for column in columns)
    return {
        "call_us": whole_us,
        "engine_us": engine_us,
        "own_us": statistics.median([call - engine for call, engine in pairs]) / 1e3,
        "bare_invoke_us": statistics.median(bare) / 1e3,
    }


def measure(kind: str, engine: str, rounds: int) -> dict[str, object]:
    calls = (recommend_calls if kind == "recommend" else classify_calls)(engine)
    one_round(calls)  # warms up
    found = [one_round(calls) for _ in range(rounds)]
    spreads = {name: spread([one[name] for one in found]) for name in found[0]}
    own = spreads["own_us"]
    line = verdict(f"{kind} in {engine}: own time, µs", own["median"], TARGET_US, at_most=True)
    medians = ", ".join(f"{name} {spreads[name]['median']:.1f}" for name in found[0])
    print(f"{line} [{own['min']:.1f}, {own['max']:.1f}]; {medians}", flush=True)
    return {**spreads}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=9)
    args = options.parse_args()
    expect_bundles(BUNDLES.values())
    load = machine_state().load_average
    found = {f"{kind}-{engine}": measure(kind, engine, args.rounds) for engine in ENGINES for kind in BUNDLES}
    settings = {"load_average": load, "rounds": args.rounds, "questions": QUESTIONS, "target_us": TARGET_US}
    save("runtime-overhead", settings | found)


if __name__ == "__main__":
    main()
