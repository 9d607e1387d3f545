"""Alternating least squares by Spark and by hanji: quality and time on the same data.

    python benchmarks/spark_als.py --data ml-1m

The files are those of the NCF benchmark. Both fit the same factors in the same number of epochs, with the
same settings (Spark's are converted, see `hanji.training.recommenders.baselines.spark_als`), from three
seeds. For each engine, the regularization is selected among those of `hanji baselines` on one validation item
per user; HR@10 and NDCG@10 are those of the test items. Histories are folded in by hanji for both.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

from common import parser, save, spread

from hanji.training.recommenders.baselines.baselines import ALS_REGULARIZATIONS
from hanji.training.recommenders.baselines.histories import evaluate_scores, histories_of, tables_of
from hanji.training.recommenders.baselines.spark_als import FitAls, als_fitter
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.tables import pair_scorer

SEEDS = (0, 1, 2)
EPOCHS = 8


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="the files of the NCF benchmark")
    arguments.add_argument("--factors", type=int, default=64)
    arguments.add_argument("--master", help="Spark's master; default: all cores of this machine")
    args = arguments.parse_args()
    dataset = load_dataset(DataConfig(name="movielens-1m", format="ncf"), args.data)
    result: dict[str, object] = {"factors": args.factors, "epochs": EPOCHS, "seeds": SEEDS}
    result["pyspark"] = version("pyspark")
    for engine in ("hanji", "spark"):
        with als_fitter(engine, args.master) as fit:
            result[engine] = measured(fit, dataset, args.factors)
        print(engine, result[engine])
    save("spark-als", result)


def measured(fit: FitAls, dataset: Dataset, factors: int) -> dict[str, object]:
    """Test metrics and seconds over the seeds, with the regularization that validation selects."""
    validated = {each: validated_ndcg(fit, dataset, factors, each) for each in ALS_REGULARIZATIONS}
    best = max(validated, key=lambda each: validated[each])
    train = histories_of(dataset.train, users=dataset.catalogue.users, items=dataset.catalogue.items)
    found: dict[str, list[float]] = {"hr_at_10": [], "ndcg_at_10": [], "seconds": []}
    for seed in SEEDS:
        start = time.monotonic()
        model = fit(train, factors=factors, seed=seed, regularization=best)
        found["seconds"].append(time.monotonic() - start)
        metrics = evaluate_scores(model.scores, dataset)
        for name in ("hr_at_10", "ndcg_at_10"):
            found[name].append(metrics[name])
    return {"regularization": best, "validation_ndcg_at_10": validated} | {
        name: spread(values) for name, values in found.items()
    }


def validated_ndcg(fit: FitAls, dataset: Dataset, factors: int, regularization: float) -> float:
    """NDCG@10 of the validation items."""
    data = train_validation_split(dataset, SEEDS[0])
    train = histories_of(data.train, users=data.users, items=data.items)
    model = fit(train, factors=factors, seed=SEEDS[0], regularization=regularization)
    score = pair_scorer(tables_of(model.scores, train), data.items)
    return evaluate_candidates(score, data.validation)["ndcg_at_10"]


if __name__ == "__main__":
    main()
