"""Opens, calls and converts a model file in another process first, which it may crash, occupy or fill.

Lists of layers and operators keep a file from running code, but not from sizes that no memory holds, loops
without an end and kernels that abort.
"""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hanji.compression.classifiers.foreign.converted import converted
from hanji.compression.classifiers.foreign.convertible import float_tflite
from hanji.compression.classifiers.foreign.opened import open_model
from hanji.compression.classifiers.foreign.original import Original
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.training.child import call_in_child, naming
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import ConversionError, HanjiError, RecipeError
from hanji.training.progress import logger
from hanji.training.reasons import reason_of
from hanji.training.settings import settings_from

SECONDS = 600.0
"""Limit of the trial run. Networks of 25 million parameters take 30 s."""
_IMAGES = 4


def expect_survivable(path: Path, preprocessing: Preprocessing) -> None:
    """ConversionError if opening, calling or converting the model in ``path`` ends its process.

    Not if it fails in an ordinary way, which is reported where it is done with the user's images; nothing is
    tried where the user trusts the file (``trusting_code``).
    """
    if trusts_code():
        return
    options = {field.name: getattr(preprocessing, field.name) for field in fields(Preprocessing)}
    logger.info(f"Trying {path} in a process of its own")
    call_in_child(
        f"{__name__}:attempt",
        {"path": str(path.absolute()), "shown": str(path), "preprocessing": options},
        what=f"{path}: TensorFlow",
        hint="it is damaged, made to harm, or too large for this machine; --trust-code skips this trial",
        seconds=SECONDS,
    )


def open_tried(source: Any, preprocessing: Preprocessing, work: Path | None) -> Original:
    """``open_model``, after ``expect_survivable`` for a path; raises the errors of both."""
    if isinstance(source, Path):
        expect_survivable(source, preprocessing)
    return open_model(source, preprocessing, work)


def attempt(path: str, shown: str, preprocessing: dict[str, Any]) -> None:
    """Convert the model in the absolute ``path`` as ``compress_keras_file`` does, but with images of noise.

    ConversionError, naming the file as ``shown``, if it needs more memory than there is.
    """
    with tempfile.TemporaryDirectory(prefix="hanji-trial-") as work, naming(path, shown):
        try:
            options = settings_from(Preprocessing, preprocessing, "options")
            original = open_model(Path(path), options, Path(work))
            _convert(original, path)
        except HanjiError as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, MemoryError | tf.errors.ResourceExhaustedError):
                    raise ConversionError(f"{path}: more than the free memory: {reason_of(cause)}") from error
                cause = cause.__cause__


def _convert(original: Original, path: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (_IMAGES, *original.shape), np.uint8)
    try:
        converted(original, noise)
    except RecipeError:  # other outputs than those of classes, for instance, are converted as they are
        concrete = original.function.get_concrete_function()
        float_tflite(concrete, concrete.variables, path)


__all__ = ["attempt", "expect_survivable", "open_tried"]
