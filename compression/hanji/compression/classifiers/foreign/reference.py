"""The answers of a model as it was given, with which everything made from it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hanji.compression.classifiers.agreement import BATCH_BOUND, BOUND, Agreement, agreement_of
from hanji.training.archives import open_arrays
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import RecipeError
from hanji.training.progress import logger
from hanji.training.reasons import reason_of

if TYPE_CHECKING:
    import tf_keras as keras

    from hanji.runtime.manifest import ImageInput

IMAGES = 64
"""The number of training images whose answers are kept."""

_FILE = "original.npz"


@dataclass(frozen=True)
class Reference:
    """Images uint8 [n, h, w, c] and the probabilities float32 [n, classes] of the model as it was given."""

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    bound: float = BOUND
    """How far a probability may deviate by rounding."""


def expect_same_answers(
    model: keras.Model, image_input: ImageInput, reference: Reference, where: str
) -> Agreement:
    """The agreement of ``model`` (normalized images → logits) with the original; also logged.

    RecipeError, naming ``where`` the model comes from, if they differ by more than rounding.
    """

    def agreement_in_batches(size: int, bound: float) -> Agreement:
        found = _answers(model, image_input, reference.images, size, where)
        return agreement_of(reference.probabilities, found, bound=bound)

    agreement = agreement_in_batches(1, reference.bound)  # as the original was called
    if not agreement.accepted:
        raise RecipeError(
            f"{where}: expected the converted network to answer as the model itself, within "
            f"{reference.bound:g}, found on {agreement.summary}. The conversion (nested networks, scaling "
            "layers, the end of the network) does not keep this model; save it in another form: as a plain "
            "functional tf_keras model, or as a SavedModel, which is not rewritten. (An untrained "
            "deep network may amplify rounding as much)"
        )
    in_batch = agreement_in_batches(len(reference.images), BATCH_BOUND)
    if not in_batch.accepted:
        raise RecipeError(
            f"{where}: expected answers that depend on one image, found others in a batch of "
            f"{in_batch.summary}; a layer is called with training=True, or works across the batch: save the "
            "model for inference, with training=False"
        )
    logger.info(f"The converted network agrees with {where} on {agreement.summary}")
    return agreement


def expect_same_after_folding(
    before: keras.Model, after: keras.Model, image_input: ImageInput, images: NDArray[np.uint8]
) -> None:
    """RecipeError if the network ``after`` folding batch normalizations answers images differently."""
    expected, found = (
        _answers(model, image_input, images, len(images), "batch normalizations") for model in (before, after)
    )
    agreement = agreement_of(expected, found)
    if not agreement.accepted:
        raise RecipeError(
            "batch normalizations: expected the same answers from a network without and with them folded, "
            f"within {BOUND:g}, found on {agreement.summary}; save the model as a SavedModel, which is not "
            "rewritten"
        )


def _answers(
    model: keras.Model, image_input: ImageInput, images: NDArray[np.uint8], batch: int, where: str
) -> NDArray[np.float64]:
    """The probabilities float64 [n, classes] of ``model``, computed in batches of this size."""
    import tensorflow as tf

    from hanji.training.classifiers.evaluation import ClassifierScorer

    scorer = ClassifierScorer(model, image_input)
    parts = range(0, len(images), batch)
    try:
        logits = np.concatenate([scorer.logits(images[start : start + batch]) for start in parts])
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise RecipeError(
            f"{where}: expected a model for batches of any size, but the converted network fails for "
            f"{batch} images: {reason_of(error)}; save it with a variable batch size"
        ) from error
    return probabilities_of(logits)


def save_reference(reference: Reference, directory: Path) -> None:
    """Write original.npz."""
    np.savez_compressed(
        directory / _FILE,
        images=reference.images,
        probabilities=reference.probabilities,
        bound=reference.bound,
    )


def load_reference(directory: Path) -> Reference:
    """Load what ``save_reference`` wrote; DataError if it is missing or damaged."""
    with open_arrays(directory / _FILE, "run `hanji compress` again") as arrays:
        return Reference(arrays["images"], arrays["probabilities"], float(arrays["bound"]))


__all__ = [
    "IMAGES",
    "Reference",
    "expect_same_after_folding",
    "expect_same_answers",
    "load_reference",
    "save_reference",
]
