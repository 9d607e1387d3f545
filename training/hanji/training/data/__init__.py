"""Interactions: reading, checking, splitting, sampling; and a synthetic catalogue with a known best."""

from __future__ import annotations

from hanji.training.data.catalogue import Catalogue
from hanji.training.data.config import DataConfig
from hanji.training.data.dataset import NEGATIVES, Dataset, LeaveOneOut
from hanji.training.data.interactions import Interactions
from hanji.training.data.load import load_dataset
from hanji.training.data.negatives import NegativeSampler
from hanji.training.data.quality import QualityReport

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
