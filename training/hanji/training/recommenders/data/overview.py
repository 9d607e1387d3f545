"""Summary of a recommendation dataset, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.distributions import (
    distribution,
    period_of,
    popularity_curve,
    quantiles_of,
    range_of,
    time_range,
)
from hanji.training.recommenders.data.interactions import counts_of
from hanji.training.recommenders.data.quality import QualityReport
from hanji.training.recommenders.data.user_groups import described
from hanji.training.recommenders.data.validation import train_validation_split

_POPULAR = 10
_BAR = 40


def overview_table(dataset: Dataset, *, seed: int) -> dict[str, Any]:
    """JSON-ready summary: sizes, density (a fraction), heaviest user, most popular items, quality report.

    ``seed`` is that of the training. DataError if no validation items can be held out from the data.
    """
    catalogue, train = dataset.catalogue, dataset.train
    per_user = counts_of(train.users, catalogue.users) + counts_of(dataset.test.users, catalogue.users)
    popularity = np.array(catalogue.popularity)
    interactions = len(train) + len(dataset.test)
    heaviest = int(per_user.argmax())
    popular = np.argsort(-popularity, kind="stable")[:_POPULAR].tolist()
    return {
        "name": dataset.name,
        "format": dataset.format,
        "synthetic": dataset.synthetic,
        "licence": dataset.licence,
        "users": catalogue.users,
        "items": catalogue.items,
        "interactions": interactions,
        "test_users": len(np.unique(dataset.test.users)),
        "validation_users": len(train_validation_split(dataset, seed).validation),
        "protocol": dataset.test.protocol,
        "density": interactions / (catalogue.users * catalogue.items),
        "time": time_range(train.timestamps),
        "per_user": distribution(per_user),
        "per_item": distribution(popularity),
        "popularity": popularity_curve(popularity),
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
        "best_ndcg_at_10": dataset.best_ndcg_at_10,
        "user_attributes": described(dataset.user_attributes),
        "quality": dataset.quality.table(),
    }


def overview_lines(table: Mapping[str, Any], quality: QualityReport) -> list[str]:
    """The summary as lines of text."""
    heaviest = table["heaviest_user"]
    shares = ", ".join(
        f"{entry['interactions']:.0%} by {entry['items']:.0%}" for entry in table["popularity"]["shares"]
    )
    return [
        f"{table['name']} (format {table['format']}{', synthetic' if table['synthetic'] else ''})",
        f"  licence        {table['licence']}",
        f"  users          {table['users']:,}, {table['test_users']:,} of them with a test item, "
        f"{table['validation_users']:,} with a validation item",
        f"  items          {table['items']:,}",
        f"  interactions   {table['interactions']:,}, a density of {table['density']:.2%}",
        f"  time           {period_of(table['time'])}",
        f"  test           {table['protocol']}",
        f"  heaviest user  {heaviest['id']} with {heaviest['interactions']:,} interactions",
        *_distribution_lines("per user", table["per_user"]),
        *_distribution_lines("per item", table["per_item"]),
        f"  popularity     share of the interactions by share of the items: {shares}",
        "  most popular   in training",
        *(f"    {entry['interactions']:>7,}  {entry['title']}" for entry in table["most_popular"]),
        *(["  user attributes"] if table["user_attributes"] else []),
        *(f"    {line}" for line in table["user_attributes"]),
        "  quality",
        *(f"    {line}" for line in quality.lines()),
    ]


def _distribution_lines(name: str, table: Mapping[str, Any]) -> list[str]:
    highest = max(entry["count"] for entry in table["histogram"])
    lines = [f"  {name:<14} interactions: {quantiles_of(table)}"]
    for entry in table["histogram"]:
        bar = "█" * round(_BAR * entry["count"] / highest)
        lines.append(f"    {range_of(entry):>15} {entry['count']:>10,} {bar}".rstrip())
    return lines
