"""Pictures whose classes do not matter: for the ranges that quantization measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import UNLABELLED, LabelledImages
from hanji.training.classifiers.data.listing import all_images
from hanji.training.classifiers.data.preparing import prepare_files
from hanji.training.errors import DataError
from hanji.training.progress import logger


def load_unlabelled(directory: Path, image_input: ImageInput, limit: int | None) -> LabelledImages:
    """PNG and JPEG pictures of a folder and all folders below it, as the model takes them.

    At most `limit` of them, taken at even steps so that every sub-folder has its share; all of them for
    None. No label is known: each is UNLABELLED. Broken pictures are named on stderr and left out. Raises
    DataError if there are no pictures, or more than 1 % of them are broken.
    """
    paths = sorted(all_images(directory))
    if not paths:
        raise DataError(
            f"{directory}: expected pictures (.png, .jpg, .jpeg) in it or in folders below it, found none"
        )
    chosen = [paths[row] for row in even_rows(len(paths), limit)]
    broken = BrokenImages(directory, len(chosen), ImageDataConfig.broken_limit)
    images, _ = prepare_files(chosen, image_input, broken)
    for fault in broken.found:
        logger.warning(f"left out, broken: {fault}")
    return LabelledImages(images, np.full(len(images), UNLABELLED, dtype=np.int32))


def even_rows(count: int, limit: int | None) -> NDArray[np.intp]:
    """`limit` rows of `count` at even steps, all of them if there are no more or the limit is None."""
    if limit is None or limit >= count:
        return np.arange(count, dtype=np.intp)
    return np.linspace(0, count, limit, endpoint=False).astype(np.intp)
