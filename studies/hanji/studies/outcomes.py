"""What a bundle answered to each sample of a test set: all metrics and comparisons are computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Part = Literal["test", "validation"]
Values = NDArray[np.float64]


class Outcomes(Protocol):
    """The outcomes of one model on one test set; every task has a class of its own."""

    @property
    def samples(self) -> NDArray[np.int32]:
        """What was asked, to tell whether two outcomes are of the same samples: int32 [n]."""
        ...

    def metrics(self) -> dict[str, float]:
        """All metrics."""
        ...

    def each(self, metric: str) -> Values:
        """One value per sample, float64 [n], whose mean is ``metric``."""
        ...

    def agreement(self, full: Any) -> dict[str, float]:
        """How similar the answers are to those of the full model on the same samples, right or wrong."""
        ...

    def confusion(self) -> NDArray[np.int64] | None:
        """How often each class (row) was predicted as each (column); None where there are no classes."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored on disk; ``from_arrays`` reads them."""
        ...

    @classmethod
    def from_arrays(cls: type[OutcomesT], arrays: Mapping[str, NDArray[Any]]) -> OutcomesT:
        """What ``arrays`` returned."""
        ...


OutcomesT = TypeVar("OutcomesT", bound=Outcomes)


def save_outcomes(outcomes: Outcomes, path: Path) -> None:
    """Plain arrays in a NumPy archive; nothing is pickled."""
    aside = path.with_suffix(".tmp.npz")
    np.savez_compressed(aside, allow_pickle=False, **outcomes.arrays())
    aside.replace(path)


def load_outcomes(path: Path, kind: type[OutcomesT]) -> OutcomesT:
    """What ``save_outcomes`` wrote of outcomes of this ``kind``."""
    with np.load(path, allow_pickle=False) as file:
        return kind.from_arrays(dict(file))


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean of Spearman's correlation over the rows; ties share their mean rank, a constant row counts 0."""
    a, b = (rankdata(table, axis=1) for table in (first, second))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norms = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    products = (a * b).sum(axis=1)
    return float(np.mean(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)))


__all__ = ["Outcomes", "OutcomesT", "Part", "Values", "load_outcomes", "rank_correlation", "save_outcomes"]
