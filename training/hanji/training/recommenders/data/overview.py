"""Summary of a recommendation dataset, as JSON and as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.validation import train_validation_split

_POPULAR = 10


def overview_table(dataset: Dataset, *, seed: int) -> dict[str, Any]:
    """JSON-ready summary: sizes, density (a fraction), heaviest user, most popular items, quality report.

    ``seed`` is that of the training. DataError if no validation items can be held out from the data.
    """
    catalogue = dataset.catalogue
    per_user = np.bincount(dataset.train.users, minlength=catalogue.users)
    per_user += np.bincount(dataset.test.users, minlength=catalogue.users)
    interactions = len(dataset.train) + len(dataset.test)
    heaviest = int(per_user.argmax())
    popular = np.argsort(-np.array(catalogue.popularity), kind="stable")[:_POPULAR].tolist()
    return {
        "name": dataset.name,
        "format": dataset.format,
        "synthetic": dataset.synthetic,
        "licence": dataset.licence,
        "users": catalogue.users,
        "items": catalogue.items,
        "interactions": interactions,
        "test_users": len(dataset.test),
        "validation_users": len(train_validation_split(dataset, seed).validation),
        "density": interactions / (catalogue.users * catalogue.items),
        "heaviest_user": {"id": catalogue.user_ids[heaviest], "interactions": int(per_user[heaviest])},
        "most_popular": [
            {
                "item": catalogue.item_ids[item],
                "title": catalogue.titles[item],
                "interactions": catalogue.popularity[item],
            }
            for item in popular
        ],
        "best_hr_at_10": dataset.best_hr_at_10,
        "quality": dataset.quality.table(),
    }


def overview_lines(dataset: Dataset, *, seed: int) -> list[str]:
    """The summary as lines of text."""
    table = overview_table(dataset, seed=seed)
    heaviest = table["heaviest_user"]
    return [
        f"{table['name']} (format {table['format']}{', synthetic' if table['synthetic'] else ''})",
        f"  licence        {table['licence']}",
        f"  users          {table['users']:,}, {table['test_users']:,} of them with a test item, "
        f"{table['validation_users']:,} with a validation item",
        f"  items          {table['items']:,}",
        f"  interactions   {table['interactions']:,}, a density of {table['density']:.2%}",
        f"  heaviest user  {heaviest['id']} with {heaviest['interactions']:,} interactions",
        "  most popular   in training",
        *(f"    {entry['interactions']:>7,}  {entry['title']}" for entry in table["most_popular"]),
        "  quality",
        *(f"    {line}" for line in dataset.quality.lines()),
    ]
