"""The section ``train`` of scale.py: the on-device recommender of a large catalogue.

Each size is written as a CSV file and built by `hanji build` in a process of its own, whose stages are timed
and whose peak of resident memory counts. Sampled softmax is compared with the exact one on a catalogue of
which both can be trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import spread, target_line

SIZES = {
    "Book-Crossing's shape": (100_000, 340_000, 1_100_000),
    "a million interactions": (50_000, 20_000, 1_000_000),
}
MOST_SECONDS, MOST_BYTES = 40 * 60, 6 * 10**9
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


def train_section(drawn: Drawn) -> dict[str, object]:
    """Seconds per stage and peak memory of each size, and the NDCG@10 of sampled and exact training."""
    builds = {name: built(drawn(*size), size) for name, size in SIZES.items()}
    for name, row in builds.items():
        print(f"{name}: {row['seconds']}, peak {row['peak_bytes'] / 1e9:.2f} GB, {row['metrics']}")
    largest = builds["Book-Crossing's shape"]
    print(target_line("seconds", sum(largest["seconds"].values()), MOST_SECONDS, at_most=True))
    print(target_line("peak memory", largest["peak_bytes"], MOST_BYTES, at_most=True))
    found = quality(drawn(*QUALITY))
    ratio = found["sampled"]["mean"] / found["exact"]["mean"]
    print(target_line("NDCG@10, sampled / exact", ratio, 0.99, at_most=False))
    return {"builds": builds, "quality": {"sampled_items": SAMPLED, "size": QUALITY, **found}}


def built(interactions: tuple[np.ndarray, ...], size: tuple[int, int, int]) -> dict[str, object]:
    """One build of the recipe: its stages' seconds, its peak of memory and its metrics."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = np.stack(interactions, axis=1)
        np.savetxt(folder / "interactions.csv", table, "%d", ",", header="user,item,time", comments="")
        (folder / "recipe.toml").write_text(RECIPE)
        hanji = Path(sys.executable).with_name("hanji")
        command = [hanji, "build", folder / "recipe.toml", "--data", folder, "--out", folder / "out"]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(running.pid, 0)
        if status:
            raise SystemExit(f"hanji build failed with the status {status}")
        report = json.loads((folder / "out" / "report.json").read_text())
    return {
        "size": size,
        "seconds": report["seconds"],
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
