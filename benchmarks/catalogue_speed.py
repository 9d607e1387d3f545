"""Scores of the whole catalogue for one user: the `catalogue` signature compared with scoring pairs.

    python benchmarks/catalogue_speed.py

An untrained NeuMF with the architecture of examples/movielens-1m.toml, 6,040 users and 3,706 items, is
exported as float32, with random biases (converters drop biases that are zero). In each round the engines are
opened again, with one session and one thread per kind of call, and the calls alternate: the catalogue, its
items as one batch of pairs and, every 20th time, the items one pair at a time. The result is the median over
the rounds of the ratio of medians, with minimum and maximum. A call includes setting the inputs and returning
the scores, as in the runtime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import tf_keras as keras
from common import parser, save, spread, target_line

from hanji.export.bundle.artifact import Converted
from hanji.export.recommenders.artifacts import convert
from hanji.runtime.engines.base import Engine
from hanji.runtime.engines.choice import ENGINE_KINDS, Choice, create_engine
from hanji.runtime.engines.versions import installed_version
from hanji.training.recipe_file import read_recipe_file
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.inference import inference_config
from hanji.training.settings import settings_from

RECIPE = Path(__file__).parents[1] / "examples" / "movielens-1m.toml"
USERS, ITEMS = 6_040, 3_706
SEED = 0
ROUNDS = 9
TURNS = 200
SINGLE_EVERY = 20  # turns; 3,706 single calls take about as long as a hundred of the other calls
TARGET = 3.0
ENGINES = {"litert": "tflite", "onnxruntime": "onnx"}
NAMES = {"batch": "one batch of pairs / catalogue", "single": "one pair at a time / catalogue"}

Calls = Mapping[str, Callable[[], np.ndarray]]


def main() -> None:
    parser(__doc__).parse_args()
    model = untrained()
    shape = {"users": USERS, "items": ITEMS, "seed": SEED}
    result: dict[str, object] = {"rounds": ROUNDS, "turns": TURNS, "threads": 1, **shape}
    for engine, target in ENGINES.items():
        converted = convert(model, ITEMS, "float32", target)
        rounds = [timed(calls_of(engine, converted, user)) for user in range(ROUNDS)]
        sizes = {path: len(content) for path, content in converted.contents.items()}
        result[engine] = summary(engine, rounds) | {"bytes": sizes}
    save("catalogue-speed", result)


def untrained() -> keras.Model:
    """The recipe's model with initial weights, and random biases."""
    keras.utils.set_random_seed(SEED)
    config = settings_from(ModelConfig, read_recipe_file(RECIPE).model, f"{RECIPE} [model]")
    model = build_model(inference_config(config), users=USERS, items=ITEMS)
    rng = np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.use_bias:
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return model


def calls_of(engine: str, converted: Converted, user: int) -> Calls:
    """Three ways to compute the same scores, which are checked to be equal."""
    users, items = np.full(ITEMS, user, np.int32), np.arange(ITEMS, dtype=np.int32)
    catalogue, batch, single = (open_engine(engine, converted) for _ in range(3))

    def one_by_one() -> np.ndarray:
        pairs = [{"user": users[:1], "item": items[row : row + 1]} for row in range(ITEMS)]
        return np.concatenate([single.run("pairs", pair) for pair in pairs])

    calls = {
        "catalogue": lambda: catalogue.run("catalogue", {"user": users[:1]}),
        "batch": lambda: batch.run("pairs", {"user": users, "item": items}),
        "single": one_by_one,
    }
    scores = {name: call() for name, call in calls.items()}
    for name in NAMES:
        np.testing.assert_allclose(scores[name], scores["catalogue"], rtol=0, atol=1e-5)
    return calls


def open_engine(engine: str, converted: Converted) -> Engine:
    """A new session with the artifact."""
    kind = next(kind for kind in ENGINE_KINDS if kind.name == engine)
    version = installed_version(kind.distribution) or "unknown"
    return create_engine(Choice(kind, version, converted.artifact), converted.contents, threads=1)


def timed(calls: Calls) -> dict[str, float]:
    """The median milliseconds of each kind of call."""
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(TURNS):
        for name, call in calls.items():
            if name == "single" and turn % SINGLE_EVERY:
                continue
            start = time.perf_counter_ns()
            call()
            durations[name].append((time.perf_counter_ns() - start) / 1e6)
    return {name: median(values) for name, values in durations.items()}


def summary(engine: str, rounds: list[dict[str, float]]) -> dict[str, object]:
    """Spread of times and ratios; prints whether the targets are reached."""
    result: dict[str, object] = {
        f"{name}_ms": spread([times[name] for times in rounds]) for name in rounds[0]
    }
    for name, label in NAMES.items():
        ratio = spread([times[name] / times["catalogue"] for times in rounds])
        result[f"{name}_ratio"] = ratio
        line = target_line(f"{engine}: {label}", ratio["median"], TARGET, at_most=False)
        print(f"{line} [{ratio['min']:.3f}, {ratio['max']:.3f}]")
    return result


if __name__ == "__main__":
    main()
