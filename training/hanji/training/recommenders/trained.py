"""TrainedModel: the output of training and input of compression, in memory and on disk.

On disk it is a directory of ``trained.json`` (everything but the weights) and ``weights.npz``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hanji.runtime.manifest import TrainingData
from hanji.training.files import (
    FORMAT_VERSION,
    atomic_directory,
    load_weights,
    read_about,
    save_weights,
    stage_output,
)
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import NEGATIVES, Catalogue, Dataset
from hanji.training.recommenders.data.interactions import protocol_of
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.settings import settings_from, table_from

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class TrainedModel:
    """A trained Keras model with its configuration, catalogue, metrics and data summary.

    ``model`` maps ``[user, item]`` (int32 [B] each) to logits float32 [B, 1]; a history model maps histories
    to logits [B, items].
    """

    model: keras.Model
    catalogue: Catalogue
    metrics: dict[str, float]
    config: ModelConfig
    training: TrainingConfig
    data: TrainingData
    """A summary that may leave the server; its ``config`` is the ``[data]`` table, from which the same split
    can be rebuilt."""

    seed: int
    protocol: str = protocol_of(NEGATIVES)
    """How ``metrics`` were measured, as a phrase."""

    full_ranking: dict[str, float] = field(default_factory=dict)
    """Metrics under the protocol ``full``; empty for a model of an earlier version."""

    full_protocol: str = ""
    """How those of ``full_ranking`` were measured, as a phrase."""

    task: ClassVar[str] = "recommendation"


def summarize(dataset: Dataset) -> TrainingData:
    """Summarize a dataset, including the config it was loaded with."""
    return TrainingData(
        name=dataset.name,
        format=dataset.format,
        synthetic=dataset.synthetic,
        licence=dataset.licence,
        users=dataset.catalogue.users,
        items=dataset.catalogue.items,
        interactions=len(dataset.train),
        config=table_from(dataset.config),
        content=dataset.content,
    )


def save_trained(trained: TrainedModel, directory: Path) -> None:
    """Write ``trained`` to a directory; an existing one is replaced once the new one is complete."""
    about = {
        "format_version": FORMAT_VERSION,
        "seed": trained.seed,
        "protocol": trained.protocol,
        "model": table_from(trained.config),
        "training": table_from(trained.training),
        "metrics": trained.metrics,
        "full_ranking": trained.full_ranking,
        "full_protocol": trained.full_protocol,
        "data": vars(trained.data),
        "catalogue": vars(trained.catalogue),
    }
    with atomic_directory(directory, replace=True) as staging:
        (staging / "trained.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        save_weights(trained.model, staging / "weights.npz")


@stage_output("hanji train")
def load_trained(directory: Path) -> TrainedModel:
    """Load a model written by ``save_trained``; DataError if there is none."""
    from hanji.training.recommenders.models.build import build_model

    about = read_about(directory / "trained.json", "hanji train")
    catalogue = _catalogue(about["catalogue"])
    config = settings_from(ModelConfig, about["model"], f"{directory}/trained.json: model")
    model = build_model(config, users=catalogue.users, items=catalogue.items)
    load_weights(model, directory / "weights.npz")
    return TrainedModel(
        model=model,
        catalogue=catalogue,
        metrics=about["metrics"],
        config=config,
        training=settings_from(TrainingConfig, about["training"], f"{directory}/trained.json: training"),
        data=TrainingData(**about["data"]),
        seed=about["seed"],
        # Not recorded by earlier versions:
        protocol=about.get("protocol", protocol_of(NEGATIVES)),
        full_ranking=about.get("full_ranking", {}),
        full_protocol=about.get("full_protocol", ""),
    )


def _catalogue(table: dict[str, Any]) -> Catalogue:
    return Catalogue(
        user_ids=tuple(table["user_ids"]),
        item_ids=tuple(table["item_ids"]),
        titles=tuple(table["titles"]),
        genres=tuple(tuple(genres) for genres in table["genres"]),
        popularity=tuple(table["popularity"]),
        cold_items=table.get("cold_items", 0),  # not recorded by earlier versions
    )
