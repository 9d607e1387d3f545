"""Alternating least squares by Spark: the item factors of pyspark.ml's ALS, for data of a cluster's size.

Spark minimizes the loss of Hu et al. (2008): weight 1 + alpha for each interaction, 1 for every other pair,
and a penalty on each row in proportion to its number of interactions (Zhou et al. 2008). Ours (``als.py``)
weighs every other pair with ``unobserved_weight`` and penalizes each row by its number of interactions and a
constant. Settings are converted so that the ratio of the weights and the mean penalty are the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hanji.training.progress import logger
from hanji.training.recommenders.baselines.als import EPOCHS, FACTORS, REGULARIZATION, UNOBSERVED_WEIGHT, Als
from hanji.training.recommenders.baselines.histories import Histories
from hanji.training.recommenders.config import AlsEngine
from hanji.training.recommenders.footprint import expect_factorization_memory

if TYPE_CHECKING:
    from hanji.training.spark import Spark


_PAIRS_IN_BLOCK = 10_000_000  # a task has a block of users or items in memory


class FitAls(Protocol):
    """What fits ALS, as ``Als.fit``."""

    def __call__(self, train: Histories, *, factors: int, seed: int, regularization: float = ...) -> Als:
        """Item factors of ``train`` [users, items]."""


@contextmanager
def als_fitter(engine: AlsEngine, master: str | None = None) -> Iterator[FitAls]:
    """What fits ALS on this engine while the block runs; ``master`` is Spark's, as in ``open_spark``.

    RecipeError if Spark cannot be used, DataError for what fails on it.
    """
    if engine == "hanji":
        yield Als.fit
        return
    from hanji.training.spark import open_spark

    with tempfile.TemporaryDirectory() as directory, open_spark(master, Path(directory)) as spark:
        yield partial(fit_spark_als, spark)


def fit_spark_als(
    spark: Spark,
    train: Histories,
    *,
    factors: int = FACTORS,
    epochs: int = EPOCHS,
    regularization: float = REGULARIZATION,
    unobserved_weight: float = UNOBSERVED_WEIGHT,
    seed: int = 0,
) -> Als:
    """``Als.fit`` of ``train`` [users, items] by Spark; histories are folded in by ours.

    Items without interactions have factors of 0. DataError if the factors do not fit into memory.
    """
    import pyarrow as pa
    from pyspark.ml.recommendation import ALS

    users, items = train.shape
    factors = min(factors, users, items)
    expect_factorization_memory(users, items, train.nnz, factors)
    _set_checkpoints(spark)
    pairs = train.tocoo()
    # Spark's ids are 32 bits wide, as these indices are.
    columns = {"user": pairs.row.astype(np.int32), "item": pairs.col.astype(np.int32), "rating": pairs.data}
    penalty = regularization * (users * items / max(train.nnz, 1) + 1.0 / unobserved_weight)
    blocks = max(spark.session.sparkContext.defaultParallelism, train.nnz // _PAIRS_IN_BLOCK + 1)
    als = ALS(
        rank=factors,
        maxIter=epochs,
        regParam=penalty,
        implicitPrefs=True,
        alpha=1.0 / unobserved_weight,
        userCol="user",
        itemCol="item",
        ratingCol="rating",
        seed=seed,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
    )
    logger.info(f"Alternating least squares by Spark: {factors} factors, {epochs} epochs")
    model = als.fit(spark.session.createDataFrame(pa.table(columns)))
    found = model.itemFactors.toArrow()
    known = found.column("id").to_numpy()
    table = np.zeros((items, factors), np.float32)
    table[known] = found.column("features").combine_chunks().flatten().to_numpy().reshape(len(known), factors)
    return Als(table, regularization, unobserved_weight)


def _set_checkpoints(spark: Spark) -> None:
    """Let Spark cut the growing lineage of the factors; without a directory it silently does not."""
    context = spark.session.sparkContext
    if context.getCheckpointDir() is None:
        context.setCheckpointDir(spark.shared.as_uri())


__all__ = ["FitAls", "als_fitter", "fit_spark_als"]
