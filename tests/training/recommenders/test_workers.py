"""Training by real processes on the loopback interface, compared with one process.

Starting TensorFlow takes most of the time, so that six processes serve all tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hanji.training.cluster.environment import tf_config
from hanji.training.cluster.launcher import free_addresses
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, load_dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel, load_trained

DATA = DataConfig(
    synthetic_users=200, synthetic_items=200, synthetic_interactions_per_user=20, synthetic_order=0.0
)
MODELS = {
    "history": ModelConfig(type="history", embedding_size=16, hidden_units=(), user_units=8),
    "timescales": ModelConfig(
        type="history", embedding_size=16, hidden_units=(), user_units=8, history_pooling="timescales"
    ),
    "neumf": ModelConfig(embedding_size=16, mlp_embedding_size=8, hidden_units=(16, 8)),
}
TRAININGS = {
    "history": TrainingConfig(epochs=3, batch_size=51, average_decay=0.9, pretraining_epochs=2),
    # The last batch has one history.
    "timescales": TrainingConfig(epochs=3, batch_size=199, average_decay=0.9),
    "neumf": TrainingConfig(epochs=2, batch_size=2_048, learning_rate=0.01),
}
RECIPE = """
name = "small"
[data]
synthetic_users = 200
synthetic_order = 0.0
synthetic_items = 200
synthetic_interactions_per_user = 20
[model]
type = "history"
embedding_size = 16
hidden_units = []
user_units = 8
[training]
epochs = 20
patience = 20
batch_size = 5
pretraining_epochs = 2
sampled_items = 60
"""
SAMPLED = TrainingConfig(epochs=20, patience=20, batch_size=5, pretraining_epochs=2, sampled_items=60)
SEED = 3
WORKER = f"""
import sys
from hanji.training.quiet import import_tensorflow
import_tensorflow()
from hanji.training import DataConfig, ModelConfig, TrainingConfig, load_dataset, save_trained, train
from hanji.training.fitting import distribution
distribution._FEW_ROWS = int(sys.argv[2])
dataset = load_dataset({DATA!r})
for name, model, training in zip({list(MODELS)}, {list(MODELS.values())}, {list(TRAININGS.values())}):
    epochs = []
    trained = train(dataset, model, training, seed={SEED}, on_epoch=epochs.append)
    assert len(epochs) == training.epochs
    save_trained(trained, f"{{sys.argv[1]}}/{{name}}")
    print(name, trained.metrics["ndcg_at_10"], sum(weight.sum() for weight in trained.model.get_weights()))
"""


def assert_same(found: TrainedModel, expected: TrainedModel, *, atol: float) -> None:
    """Equal weights and metrics, up to rounding."""
    for one, other in zip(found.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=atol)
    for name, value in expected.metrics.items():
        assert found.metrics[name] == pytest.approx(value, abs=2e-3), name


def test_two_workers_train_the_model_of_one_process(tmp_path: Path) -> None:
    addresses = free_addresses(2)
    workers = [
        subprocess.Popen(
            # Rows of all tables are gathered, as those of large ones are.
            [sys.executable, "-c", WORKER, str(tmp_path / str(index)), "0"],
            env=os.environ | {"TF_CONFIG": tf_config(addresses, index)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    dataset = load_dataset(DATA, None)
    expected = {name: train(dataset, model, TRAININGS[name], seed=SEED) for name, model in MODELS.items()}
    outputs = [worker.communicate(timeout=300)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert outputs[0] == outputs[1] and outputs[0]
    assert not (tmp_path / "1").exists()  # the chief alone writes
    for name, model in expected.items():
        assert_same(load_trained(tmp_path / "0" / name), model, atol=1e-5)


def test_a_killed_worker_costs_at_most_an_epoch(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    command = ["train", "recipe.toml", "--out", "trained", "--workers", "2", "--seed", str(SEED)]
    launcher = subprocess.Popen(
        [sys.executable, "-m", "hanji.runtime.cli", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        checkpoint = tmp_path / "trained.checkpoints" / "training-history.npz"
        while not checkpoint.exists():
            assert launcher.poll() is None
            time.sleep(0.05)
        os.kill(_children(launcher.pid)[1], signal.SIGKILL)
        expected = train(load_dataset(DATA, None), MODELS["history"], SAMPLED, seed=SEED)
        output, messages = launcher.communicate(timeout=300)
    finally:
        launcher.kill()  # its workers end with it
    assert launcher.returncode == 0
    assert "worker 1 was ended by signal 9; starting all 2 workers again from the last checkpoint" in messages
    assert "training-history.npz: resuming after epoch" in messages
    assert "Traceback" not in messages
    assert output.endswith("The trained model is in trained\n")
    assert_same(load_trained(tmp_path / "trained"), expected, atol=1e-3)


def _children(pid: int) -> list[int]:
    """The child processes, in the order in which they were started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # any other process may end at any time
            continue
        if int(fields[1]) == pid:
            found.append((int(fields[19]), int(stat.parent.name)))
    return [child for _, child in sorted(found)]
