"""Pictures and their classes: reading, checking, splitting."""

from __future__ import annotations

from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.dataset import ImageDataset, Normalization, Pictures
from hanji.training.classifiers.data.load import load_images
from hanji.training.classifiers.data.unlabelled import load_pictures

__all__ = ["ImageDataConfig", "ImageDataset", "Normalization", "Pictures", "load_images", "load_pictures"]
