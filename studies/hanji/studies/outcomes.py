"""The predictions of a bundle for each test sample, from which metrics and comparisons are computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hanji.training.archives import open_arrays
from hanji.training.files import atomic_file

FORMAT = 2
"""Version of the arrays on disk: results with those of another version are measured anew."""

Part = Literal["test", "validation"]
Values = NDArray[np.float64]


class Outcomes(Protocol):
    """The predictions of one model on one test set; each task has its own class."""

    @property
    def samples(self) -> NDArray[np.int32]:
        """Identifies the samples, to detect outcomes of the same samples: int32 [n]."""
        ...

    def metrics(self) -> dict[str, float]:
        """All metrics by name."""
        ...

    def each(self, metric: str) -> Values:
        """One value per sample, float64 [n], whose mean is ``metric``."""
        ...

    def agreement(self, full: Any) -> dict[str, float]:
        """Agreement with the full model's predictions for the same samples, correct or not."""
        ...

    def confusion(self) -> NDArray[np.int64] | None:
        """The confusion matrix, true classes by predicted classes; None for a task without classes."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are stored on disk."""
        ...

    @classmethod
    def from_arrays(cls: type[OutcomesT], arrays: Mapping[str, NDArray[Any]]) -> OutcomesT:
        """The outcomes from the result of ``arrays``."""
        ...


OutcomesT = TypeVar("OutcomesT", bound=Outcomes)


def save_outcomes(outcomes: Outcomes, path: Path) -> None:
    """Write the arrays to a NumPy archive, without pickle."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **outcomes.arrays())


def load_outcomes(path: Path, kind: type[OutcomesT]) -> OutcomesT:
    """Load outcomes of this ``kind`` that ``save_outcomes`` wrote; DataError if they are damaged."""
    with open_arrays(path, "remove it, and run the command again") as arrays:
        return kind.from_arrays(dict(arrays))


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean Spearman correlation over the rows; ties get their mean rank, constant rows count as 0."""
    a, b = (rankdata(table, axis=1) for table in (first, second))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norms = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    products = (a * b).sum(axis=1)
    return float(np.mean(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)))


__all__ = [
    "FORMAT",
    "Outcomes",
    "OutcomesT",
    "Part",
    "Values",
    "load_outcomes",
    "rank_correlation",
    "save_outcomes",
]
