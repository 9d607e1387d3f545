"""Interactions: reading, checking, splitting, sampling; and a synthetic catalogue with a known optimum."""

from __future__ import annotations

from hanji.training.recommenders.data.config import NEGATIVES, DataConfig
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Catalogue, Interactions, LeaveOneOut
from hanji.training.recommenders.data.load import load_dataset
from hanji.training.recommenders.data.negatives import NegativeSampler
from hanji.training.recommenders.data.quality import QualityReport

__all__ = [
    "NEGATIVES",
    "Catalogue",
    "DataConfig",
    "Dataset",
    "Interactions",
    "LeaveOneOut",
    "NegativeSampler",
    "QualityReport",
    "load_dataset",
]
