"""Do embeddings predicted from genres and titles rank items that nobody interacted with?

    python benchmarks/cold_items.py --movielens ../shared/data/ml-1m --seeds 2 3 4 5 6

A tenth of the items is drawn by seed, and all interactions with them are removed before a history model is
trained with ``cold_items = true``. Then one of each user's interactions with those items is ranked among 99
others of them. Equal scores, which items of the same genres have, are put in a random order: the values are
expectations over it. The features and weights of the regression were chosen on the seeds 0 and 1. Popularity
cannot rank items without interactions: it amounts to a random order. Without --movielens, the synthetic
catalogue alone is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from builds import ROOT
from common import parser, save, spread

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.recipe import Recipe
from hanji.training.recipe_file import read_recipe_file
from hanji.training.recommenders.baselines.content import Content
from hanji.training.recommenders.baselines.histories import Histories, Scores, histories_of
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.dataset import MEMORY
from hanji.training.recommenders.data.negatives import sample_negatives
from hanji.training.recommenders.history_scoring import scores_of_histories
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.train import train

COLD, NEGATIVES, K = 0.1, 99, 10
RECIPE = ROOT / "examples" / "demo.toml"
SOURCES = {
    "synthetic": DataConfig(synthetic_items=2000, synthetic_order=0.0),
    "movielens-1m": DataConfig(name="movielens-1m", format="ncf"),
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--movielens", type=Path)
    options.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    args = options.parse_args()
    directories = {"synthetic": None} | ({"movielens-1m": args.movielens} if args.movielens else {})
    results = {}
    for name, directory in directories.items():
        everything = load_dataset(SOURCES[name], directory)
        measured = [measure(everything, seed) for seed in args.seeds]
        results[name] = {
            model: {metric: spread([each[model][metric] for each in measured]) for metric in values}
            for model, values in measured[0].items()
        }
        print_table(name, results[name])
    save("cold-items", {"seeds": args.seeds, "results": results})


def measure(everything: Dataset, seed: int) -> dict[str, dict[str, float]]:
    """HR@10 and NDCG@10 among cold items by model, and HR@10 among the others, of the usual test."""
    file = read_recipe_file(RECIPE, seed=seed)
    dataset, cold = without_interactions(everything, seed)
    model, training = file.settings("model", ModelConfig), file.settings("training", TrainingConfig)
    trained = train(dataset, model, training, seed=seed)
    student = compress(trained, Recipe.from_file(file), dataset)
    content = Content.fit(dataset.catalogue)
    models: dict[str, Callable[[Histories], Scores]] = {
        "predicted rows": scores_of_histories(trained.model),
        "predicted rows, int4 student": scores_of_histories(student.model),
        "content (titles and genres)": content.scores,
        "random": lambda histories: np.zeros(histories.shape, np.float32),
    }
    return {name: ranked(scores, dataset, cold, seed) for name, scores in models.items()}


def without_interactions(everything: Dataset, seed: int) -> tuple[Dataset, np.ndarray]:
    """The data without interactions with a tenth of the items, and these interactions as (user, item) ids."""
    rng = np.random.default_rng(seed)
    train, catalogue = everything.train, everything.catalogue
    items = np.array(catalogue.item_ids)
    cold = rng.random(len(items)) < COLD
    warm_rows = ~cold[train.items]
    users = np.array(catalogue.user_ids)
    dataset = Dataset.from_arrays(
        users[train.users[warm_rows]],
        items[train.items[warm_rows]],
        timestamps=train.timestamps[warm_rows],
        titles=dict(zip(catalogue.item_ids, catalogue.titles, strict=True)),
        genres=dict(zip(catalogue.item_ids, catalogue.genres, strict=True)),
        config=replace(MEMORY, name=f"{everything.name}, partly cold", cold_items=True),
    )
    pairs = np.stack([users[train.users[~warm_rows]], items[train.items[~warm_rows]]], axis=1)
    return dataset, pairs


def ranked(
    scores: Callable[[Histories], Scores], dataset: Dataset, cold: np.ndarray, seed: int
) -> dict[str, float]:
    """Expected HR@10 and NDCG@10 of one cold item of each user among others."""
    catalogue = dataset.catalogue
    first = catalogue.warm_items
    user_of = {user: index for index, user in enumerate(catalogue.user_ids)}
    item_of = {item: index - first for index, item in enumerate(catalogue.item_ids)}
    known = [(user_of[user], item_of[item]) for user, item in cold.tolist() if user in user_of]
    users, items = np.array(sorted(known), np.int32).T
    interactions = replace(dataset.train, users=users, items=items, timestamps=None)
    rng = np.random.default_rng([seed, 1])
    shuffled = rng.permutation(len(users))
    tested, rows = np.unique(users[shuffled], return_index=True)
    positives = items[shuffled[rows]]
    counts = np.bincount(users, minlength=catalogue.users)[tested]
    enough = catalogue.cold_items - counts >= NEGATIVES
    tested, positives = tested[enough], positives[enough]
    negatives = sample_negatives(interactions, catalogue.cold_items, tested, NEGATIVES, rng)
    candidates = np.concatenate([positives[:, None], negatives], axis=1) + first
    histories = histories_of(dataset.train, users=catalogue.users, items=catalogue.items)
    values = np.concatenate(
        [
            np.take_along_axis(scores(histories[tested[part]]), candidates[part], axis=1)
            for part in np.array_split(np.arange(len(tested)), max(len(tested) // 512, 1))
        ]
    )
    return expected(values)


def expected(values: np.ndarray) -> dict[str, float]:
    """HR@10 and NDCG@10 of the first column, with equal scores in a random order."""
    tolerance = 1e-5 * np.abs(values).max()
    above = (values[:, 1:] > values[:, :1] + tolerance).sum(axis=1)
    equal = (np.abs(values[:, 1:] - values[:, :1]) <= tolerance).sum(axis=1)
    gains = np.concatenate([1 / np.log2(np.arange(K) + 2.0), np.zeros(values.shape[1] - K)])
    total = np.concatenate([[0.0], np.cumsum(gains)])
    return {
        "hr_at_10": float((np.clip(K - above, 0, equal + 1) / (equal + 1)).mean()),
        "ndcg_at_10": float(((total[above + equal + 1] - total[above]) / (equal + 1)).mean()),
    }


def print_table(name: str, results: dict) -> None:
    print(f"{name}: medians [range] over the seeds")
    for model, metrics in results.items():
        texts = [
            f"{metric} {value['median']:.4f} [{value['min']:.4f}, {value['max']:.4f}]"
            for metric, value in metrics.items()
        ]
        print(f"  {model:30} {'  '.join(texts)}")


if __name__ == "__main__":
    main()
