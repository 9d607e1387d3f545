"""Test metrics of an exported recommender, measured through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.runtime import Recommender
from hanji.runtime.manifest import Manifest
from hanji.training.errors import DataError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.evaluation import (
    CatalogueScorer,
    Evaluation,
    evaluate_protocols,
    one_at_a_time,
)
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.protocols import SAMPLED
from hanji.training.settings import settings_from


def dataset_of(manifest: Manifest, directory: Path | None) -> Dataset:
    """The split that the bundle's model was trained and tested with, rebuilt from its manifest."""
    config = settings_from(DataConfig, manifest.training_data.config, "manifest.json: training_data.config")
    return load_dataset(config, None if manifest.training_data.synthetic else directory)


def evaluations_of(
    bundle: Path, dataset: Dataset, *, engine: str = "auto", protocols: Sequence[str] = (SAMPLED,)
) -> dict[str, Evaluation]:
    """The metrics of a bundle, run in ``engine``, under each protocol, and by group of users.

    Each user is scored once for all ``protocols``. Items that nobody interacted with are not ranked. Raises
    DataError if the bundle does not know the users or items of ``dataset``, and the errors of
    ``evaluate_protocols``.
    """
    dataset = dataset.without_cold_items()
    with Recommender.open(bundle, engine=engine) as recommender:
        score = one_at_a_time(bundle_scorer(recommender, dataset))
        return evaluate_protocols(score, dataset, protocols)


def bundle_scorer(recommender: Recommender, dataset: Dataset) -> CatalogueScorer:
    """A scorer that runs an open bundle for a user of ``dataset``; scores are in the dataset's item order.

    Raises DataError if the bundle does not know the dataset's users or items.
    """
    order = _positions(dataset, recommender)
    scorer = _of_histories if recommender.takes == "history" else _of_users
    score = scorer(recommender, dataset)
    return lambda user: score(user)[order]


def _of_users(recommender: Recommender, dataset: Dataset) -> CatalogueScorer:
    users = dataset.catalogue.user_ids
    return lambda user: recommender.scores(users[user])


def _of_histories(recommender: Recommender, dataset: Dataset) -> CatalogueScorer:
    """Score each user as a device does: by the user's items in the training split, oldest first.

    A user without any gets the popularity ranking, as on a device.
    """
    items = dataset.catalogue.item_ids
    histories = flat_histories(dataset.train, dataset.catalogue.users)

    def scores(user: int) -> NDArray[np.float32]:
        history = [items[index] for index in histories.of(user)]
        return recommender.scores(history=history) if history else popularity

    popularity = recommender.items.popularity.astype(np.float32)
    return scores


def _positions(dataset: Dataset, recommender: Recommender) -> NDArray[np.int64]:
    """The index of each of the dataset's items in the bundle's scores."""
    position = {item: index for index, item in enumerate(recommender.items.ids.values)}
    unknown = [item for item in dataset.catalogue.item_ids if item not in position]
    if unknown:
        raise DataError(
            f"the bundle {recommender.manifest.name!r} does not know {len(unknown)} of the data's "
            f"{dataset.catalogue.items} items (for example {unknown[0]!r}); expected the data it was trained "
            "on: check --data"
        )
    return np.array([position[item] for item in dataset.catalogue.item_ids])
