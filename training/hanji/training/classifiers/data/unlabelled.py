"""Unlabelled images, for calibrating the ranges of quantization."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.images.decoding import SUFFIXES
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.image_files import (
    LeftOut,
    all_images,
    left_out_texts,
    warn_of_left_out,
)
from hanji.training.classifiers.data.labelled import UNLABELLED, LabelledImages
from hanji.training.classifiers.data.preparing import prepare_files
from hanji.training.errors import DataError


def load_unlabelled(directory: Path, image_input: ImageInput, limit: int | None) -> LabelledImages:
    """Load the images of a folder and all its sub-folders, prepared for the model.

    At most `limit` images are loaded, evenly spaced so that every sub-folder is represented; all of them if
    it is None. Every label is UNLABELLED. What is left out, broken images among it, is logged as warnings.

    Raises DataError if there are no images, or more than 1 % of them are broken.
    """
    left_out: LeftOut = Counter()
    paths = sorted(all_images(directory, left_out))
    if not paths:
        found = ", ".join(left_out_texts(left_out)) or "no files"
        raise DataError(
            f"{directory}: expected images ({', '.join(SUFFIXES)}) in it or in its sub-folders, found {found}"
        )
    selected = [paths[row] for row in even_rows(len(paths), limit)]
    broken = BrokenImages(directory, len(selected), ImageDataConfig.broken_limit)
    images, _ = prepare_files(selected, image_input, broken)
    warn_of_left_out(str(directory), left_out_texts(left_out), broken.reports)
    return LabelledImages(images, np.full(len(images), UNLABELLED, dtype=np.int32))


def even_rows(count: int, limit: int | None) -> NDArray[np.intp]:
    """`limit` evenly spaced rows of `count`; all rows if there are no more or the limit is None."""
    if limit is None or limit >= count:
        return np.arange(count, dtype=np.intp)
    return np.linspace(0, count, limit, endpoint=False).astype(np.intp)
