"""A Keras file or SavedModel as a float ``.tflite`` file, for outputs that are not the classes of one label.

Compression of a Keras network ends in logits of classes; other outputs take the way of model files instead.
The file is compared with the model, called in its own framework, before anything else is made from it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.agreement import BOUND, HALF_BOUND
from hanji.compression.classifiers.files.reference import NativeClassifier
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.compression.classifiers.foreign.convertible import float_tflite
from hanji.compression.classifiers.foreign.original import Original
from hanji.compression.classifiers.foreign.reference import IMAGES
from hanji.compression.classifiers.foreign.trial import open_tried
from hanji.training.errors import RecipeError
from hanji.training.progress import logger


class KerasFile(TfliteFile):
    """The file that the model in ``path`` was converted to, and the model as it was given."""

    def __init__(self, path: Path, content: bytes, original: Original) -> None:
        super().__init__(path, content)
        self._original = original

    def expect_same_outputs(self, classifier: NativeClassifier, images: npt.NDArray[np.uint8]) -> None:
        """RecipeError if its outputs for images, uint8 [n, h, w, c] in RGB, are not those of the model."""
        compared = images[:IMAGES]
        taken = compared[..., ::-1] if classifier.settings.is_bgr else compared
        expected, found = self._original.outputs(taken), classifier.answers(compared).values
        bound = HALF_BOUND if self._original.graph.half_precision else BOUND
        allowed = bound * max(1.0, float(np.abs(expected).max()))
        largest = float(np.abs(found - expected).max())
        if not largest <= allowed:
            raise RecipeError(
                f"{self.path}: expected the answers of the model from the file that TensorFlow Lite made of "
                f"it, within {allowed:.3g}, found a difference of {largest:.3g} on {len(compared)} images; "
                "save it as a SavedModel for inference, or convert it yourself"
            )
        logger.info(
            f"{self.path.name}: as a .tflite file, it gives its answers within {largest:.2g} on "
            f"{len(compared)} images"
        )


def keras_as_file(path: Path, settings: WrapSettings) -> KerasFile:
    """The model in ``path``, a .keras or .h5 file or a SavedModel directory, as a float ``.tflite`` file.

    DataError if it cannot be read, RecipeError if it is no model of images with one list of outputs, or if
    TensorFlow Lite cannot represent it, ConversionError if it would crash this process or never end.
    """
    with TemporaryDirectory(prefix="hanji-keras-") as work:
        original = open_tried(path, settings, Path(work))
        concrete = original.function.get_concrete_function()
        return KerasFile(path, float_tflite(concrete, concrete.variables, str(path)), original)


__all__ = ["KerasFile", "keras_as_file"]
