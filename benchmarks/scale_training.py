"""The sections ``train`` and ``sampling`` of scale.py: the on-device recommender of large data.

Each shape is written as a CSV file and built by `hanji build` in a process of its own, which is timed and
whose peak of resident memory counts. Sampled softmax is compared with the exact one on a catalogue of
which both can be trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import save, spread, target_line


@dataclass(frozen=True)
class Shape:
    """Users, items and interactions of a data set, and the most that its build may take."""

    users: int
    items: int
    interactions: int
    most_seconds: float | None = None
    most_bytes: float | None = None


SHAPES = {
    "a-million": Shape(50_000, 20_000, 1_000_000, most_bytes=2e9),
    "book-crossing": Shape(100_000, 340_000, 1_100_000, 40 * 60, 6e9),
    "movielens-20m-twentieth": Shape(6_925, 26_744, 1_000_000),
    "movielens-20m": Shape(138_493, 26_744, 20_000_000, 3 * 3600, 6e9),
}
MOST_GROWTH = 20 * 1.2
"""Of seconds and memory from MovieLens-20M's twentieth to the whole."""

QUALITY = (20_000, 10_000, 400_000)
SAMPLED, SEEDS = 1_024, 3
RECIPE = """
name = "scale"
[data]
name = "interactions"
format = "csv"
ratings = "interactions.csv"
[model]
type = "history"
embedding_size = 64
hidden_units = []
user_units = 32
[training]
epochs = 15
batch_size = 64
pretraining_epochs = 5
held_back = 0.3
patience = 5
[[compression]]
type = "distil"
teacher = "ensemble"
embedding_size = 32
hidden_units = []
user_units = 16
epochs = 8
[[compression]]
type = "quantize"
scheme = "int4-rows"
epochs = 15
learning_rate = 0.004
"""

Drawn = Callable[[int, int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(users, items, count) → the user, the item and the time of each of ``count`` interactions."""


def train_section(drawn: Drawn, shapes: Sequence[str]) -> None:
    """Seconds per stage and peak memory of each of ``shapes``, saved one by one, and their growth."""
    builds = {}
    for name in shapes or SHAPES:
        shape = SHAPES[name]
        row = builds[name] = built(drawn(shape.users, shape.items, shape.interactions), shape)
        save(f"scale-train-{name}", row)
        print(f"{name}: {row['seconds']}, peak {row['peak_bytes'] / 1e9:.2f} GB, {row['metrics']}")
        limits = {"total_seconds": shape.most_seconds, "peak_bytes": shape.most_bytes}
        for value, most in limits.items():
            if most:
                print(target_line(f"{name}: {value}", row[value], most, at_most=True))
    if {"movielens-20m-twentieth", "movielens-20m"} <= builds.keys():
        small, large = builds["movielens-20m-twentieth"], builds["movielens-20m"]
        for value in ("total_seconds", "peak_bytes"):
            growth = large[value] / small[value]
            print(target_line(f"{value}, whole / twentieth", growth, MOST_GROWTH, at_most=True))


def sampling_section(drawn: Drawn) -> dict[str, object]:
    """The NDCG@10 of sampled and of exact training."""
    found = quality(drawn(*QUALITY))
    ratio = found["sampled"]["mean"] / found["exact"]["mean"]
    print(target_line("NDCG@10, sampled / exact", ratio, 0.99, at_most=False))
    return {"sampled_items": SAMPLED, "size": QUALITY, **found}


def built(interactions: tuple[np.ndarray, ...], shape: Shape) -> dict[str, object]:
    """One build of the recipe: its stages' seconds, its peak of memory and its metrics."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "interactions.csv").open("w") as file:
            file.write("user,item,time\n")
            for piece in np.array_split(np.arange(len(interactions[0])), 1 + shape.interactions // 1_000_000):
                np.savetxt(file, np.stack([column[piece] for column in interactions], axis=1), "%d", ",")
        (folder / "recipe.toml").write_text(RECIPE)
        del interactions
        hanji = Path(sys.executable).with_name("hanji")
        command = [hanji, "build", folder / "recipe.toml", "--data", folder, "--out", folder / "out"]
        start = time.monotonic()
        running = subprocess.Popen(command, stdout=sys.stderr)
        _, status, usage = os.wait4(running.pid, 0)
        seconds = time.monotonic() - start
        if status:
            raise SystemExit(f"hanji build failed with the status {status}")
        report = json.loads((folder / "out" / "report.json").read_text())
    return {
        **vars(shape),
        "seconds": report["seconds"],
        "total_seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "metrics": [row["metrics"] for row in report["rows"]],
    }


def quality(interactions: tuple[np.ndarray, ...]) -> dict[str, dict[str, float]]:
    """The test NDCG@10 of the full model over the seeds, with the exact and the sampled softmax."""
    from hanji.training.recommenders.config import TrainingConfig
    from hanji.training.recommenders.data import Dataset
    from hanji.training.recommenders.models.config import ModelConfig
    from hanji.training.recommenders.train import train

    users, items, times = interactions
    dataset = Dataset.from_arrays(users, items, timestamps=times)
    model = ModelConfig(type="history", embedding_size=64, hidden_units=(), user_units=32)
    exact = TrainingConfig(epochs=15, batch_size=64, pretraining_epochs=5, held_back=0.3, patience=5)
    trainings = {"exact": exact, "sampled": replace(exact, sampled_items=SAMPLED)}
    return {
        name: spread(
            [train(dataset, model, training, seed=seed).metrics["ndcg_at_10"] for seed in range(SEEDS)]
        )
        for name, training in trainings.items()
    }
