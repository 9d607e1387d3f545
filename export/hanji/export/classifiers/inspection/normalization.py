"""Asks for the normalization of a network that seems to need one."""

from __future__ import annotations

from hanji.compression.classifiers.files.original import is_quantized
from hanji.compression.classifiers.files.reference import NativeClassifier
from hanji.export.classifiers.inspection.ends import preprocessing_texts, scales
from hanji.export.classifiers.inspection.graph import following, nodes_of
from hanji.training.progress import logger


def warn_of_missing_normalization(classifier: NativeClassifier) -> None:
    """Log a warning if neither the settings nor the file scale the pixel values of a float network."""
    settings, image, model = classifier.settings, classifier.layout.source, classifier.model
    stated = (settings.scale, set(settings.mean), set(settings.std)) != (1.0, {0.0}, {1.0})
    if stated or is_quantized(image) or not image.dtype.startswith("float"):
        return
    nodes, (start, _) = nodes_of(model)
    first = following(nodes, start)
    if any(scales(kind) for kind in first):
        return
    first_channels = classifier.layout.order == "channels-first"
    (guess,) = preprocessing_texts(first, image, channels_first=first_channels)
    logger.warning(
        f"{model.path}: without scale, mean and std in the preprocessing file the network gets pixel values "
        f"from 0 to 255, and nothing in the file scales them; if it was trained on other values, set them. "
        f"A guess: {guess}"
    )


__all__ = ["warn_of_missing_normalization"]
