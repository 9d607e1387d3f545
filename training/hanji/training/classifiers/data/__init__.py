"""Labelled images: reading, checking, splitting."""

from __future__ import annotations

from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.dataset import ImageDataset, Normalization
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.load import load_images
from hanji.training.classifiers.data.unlabelled import load_unlabelled

__all__ = [
    "ImageDataConfig",
    "ImageDataset",
    "LabelledImages",
    "Normalization",
    "load_images",
    "load_unlabelled",
]
