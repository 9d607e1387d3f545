"""The predictions of a classifier for each image of a test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.export.classifiers.evaluate import classes_of
from hanji.runtime import Classifier
from hanji.studies.outcomes import Part, Values, rank_correlation
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.metrics import metrics_of


@dataclass(frozen=True)
class ImageOutcomes:
    """``probabilities`` float32 [n, classes] and ``labels`` int32 [n]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int32]

    @property
    def samples(self) -> NDArray[np.int32]:
        """The labels, int32 [n], which identify the images."""
        return self.labels

    def metrics(self) -> dict[str, float]:
        """Top-1, its mean over the classes, negative log-likelihood and calibration error."""
        return metrics_of(self.probabilities, self.labels)

    def each(self, metric: str) -> Values:
        """One value per image, float64 [n], whose mean is ``metric``: "top1"."""
        if metric == "macro_top1":
            counts = np.bincount(self.labels)
            share = len(self.labels) / (np.count_nonzero(counts) * counts[self.labels])
            return self.each("top1") * share
        correct: Values = (self.probabilities.argmax(axis=1) == self.labels).astype(np.float64)
        return correct

    def agreement(self, full: ImageOutcomes) -> dict[str, float]:
        """Fraction of images with the same predicted class, and rank correlation of the probabilities."""
        same = full.probabilities.argmax(axis=1) == self.probabilities.argmax(axis=1)
        correlation = rank_correlation(full.probabilities, self.probabilities)
        return {"same_class": float(same.mean()), "rank_correlation": correlation}

    def confusion(self) -> NDArray[np.int64]:
        """How often each class (row) was predicted as each class (column), int64 [classes, classes]."""
        classes = self.probabilities.shape[1]
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (self.labels, self.probabilities.argmax(axis=1)), 1)
        return counts

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are stored on disk."""
        return {"probabilities": self.probabilities, "labels": self.labels}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ImageOutcomes:
        """The outcomes from the result of ``arrays``."""
        return cls(arrays["probabilities"], arrays["labels"])


def image_outcomes(bundle: Path, dataset: ImageDataset, *, engine: str, part: Part) -> ImageOutcomes:
    """The predictions of ``bundle`` for every image of one part of the data; see ``StudyTask``."""
    samples = dataset.test if part == "test" else dataset.validation
    with Classifier.open(bundle, engine=engine) as classifier:
        classes = classes_of(dataset, classifier)
        probabilities = np.stack([classifier.probabilities(image) for image in samples.images])
    return ImageOutcomes(probabilities, classes[samples.labels])


__all__ = ["ImageOutcomes", "image_outcomes"]
