"""Fixtures shared by the tests of several stages: a small synthetic dataset, and models trained on it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset

from .ports import build_bundles

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``caplog`` capture hanji's log records from INFO on, also after a command shows its progress."""
    logger = logging.getLogger("hanji")
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    monkeypatch.setattr(logger, "propagate", False)
    caplog.set_level(logging.INFO, logger="hanji")


SHARED_DATA = ROOT.parent / "shared" / "data"

SLOWEST_FIRST = ("web", "studies", "end_to_end", "android")
"""Folders whose test files take minutes: started last, one of them would keep a single process busy alone."""

SMALL = DataConfig(
    synthetic_users=200, synthetic_items=200, synthetic_interactions_per_user=20, synthetic_order=0.0
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def priority(item: pytest.Item) -> int:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)

    items.sort(key=priority)


@pytest.fixture(scope="session")
def small_config() -> DataConfig:
    return SMALL


@pytest.fixture(scope="session")
def small_dataset() -> Dataset:
    """200 users × 200 items; a model beats chance on it after a few seconds of training."""
    return load_dataset(SMALL, None)


@pytest.fixture(scope="session")
def trained(small_dataset: Dataset):
    """A NeuMF model trained for a few epochs on the small dataset."""
    from hanji.training.recommenders.config import TrainingConfig
    from hanji.training.recommenders.models.config import ModelConfig
    from hanji.training.recommenders.train import train

    return train(
        small_dataset,
        model=ModelConfig(embedding_size=16, mlp_embedding_size=8, hidden_units=(16, 8)),
        training=TrainingConfig(epochs=12, batch_size=512, average_decay=0.9, learning_rate=0.01),
        seed=3,
    )


@pytest.fixture(scope="session")
def trained_history(small_dataset: Dataset):
    """A history model trained for a few epochs on the small dataset."""
    from hanji.training.recommenders.config import TrainingConfig
    from hanji.training.recommenders.models.config import ModelConfig
    from hanji.training.recommenders.train import train

    return train(
        small_dataset,
        model=ModelConfig(type="history", embedding_size=16, hidden_units=(), user_units=8),
        training=TrainingConfig(epochs=10, batch_size=64, average_decay=0.9, pretraining_epochs=4),
        seed=3,
    )


@pytest.fixture(scope="session")
def movielens_1m() -> Path:
    """The NCF benchmark's version of MovieLens-1M, if it is present next to the checkout."""
    directory = SHARED_DATA / "ml-1m"
    if not directory.is_dir():
        pytest.skip("MovieLens-1M is not available; its licence forbids redistribution")
    return directory


@pytest.fixture(scope="session")
def port_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `hanji build` output for the ports' recipes; see ports.py."""
    base = tmp_path_factory.getbasetemp()
    # With pytest-xdist, the base folder of each worker is inside that of the run.
    return build_bundles((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ports")
